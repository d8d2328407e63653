# make demo | test | app | bench | soak: each sets up what it needs, and nothing twice.

PYTHON ?= python3
JOBS ?= 2
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test app bench soak lint clean

demo: $(VENV)/.demo          ## from labeling functions to a scored classifier, on real reviews
	$(BIN)/weakft run

app: $(VENV)/.app            ## look at the newest run in the browser
	$(BIN)/weakft app

test: lint                   ## what CI runs
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses $(JOBS) --dist worksteal

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench: $(VENV)/.dev          ## the README's figures; hours on two cores
	$(BIN)/python -m benchmarks.demo
	$(BIN)/python -m benchmarks.quality
	$(BIN)/python -m benchmarks.label_models
	$(BIN)/python -m benchmarks.many_classes
	$(BIN)/python -m benchmarks.training strategies
	$(BIN)/python -m benchmarks.training objectives
	$(BIN)/python -m benchmarks.training speed
	$(BIN)/python -m benchmarks.gold
	$(BIN)/python -m benchmarks.no_gold
	$(BIN)/python -m benchmarks.images
	$(BIN)/python -m benchmarks.throughput
	$(BIN)/python -m benchmarks.gpu
	$(BIN)/python -m benchmarks.applying
	$(BIN)/python -m benchmarks.memory
	$(BIN)/python -m benchmarks.dashboard
	$(BIN)/python -m benchmarks.retraining
	$(BIN)/python -m benchmarks.nightly
	$(BIN)/python -m benchmarks.choosing
	$(BIN)/python -m benchmarks.speed

soak: $(VENV)/.dev           ## kills by the hundred, failing disks, odd files: hours
	WEAKFT_SOAK=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses $(JOBS) --dist worksteal \
		tests/test_kills.py tests/test_publishing.py tests/data/test_agreement.py tests/apply/test_scan.py \
		tests/lf/test_fingerprint.py

$(VENV)/bin/python:
	$(PYTHON) -c "import sys; assert sys.version_info >= (3, 11), 'weakft needs Python 3.11'"
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo $(VENV)/.app $(VENV)/.dev: $(VENV)/.%: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing weakft[$*] into $(VENV): minutes the first time"
	$(PIP) --editable '.[$*]'
	touch $@

clean:
	rm -rf $(VENV) runs build dist
