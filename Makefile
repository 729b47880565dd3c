# What people and CI run. Works with GNU make 3.81 and later and any POSIX shell.

PYTHON ?= python3
VENV ?= .venv
PORT ?= 7860
TORCH_INDEX ?=
ARGS ?=

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
GUIDE := docs/guide
LOCAL_INDEX := indexes/local
INSTALLED := $(VENV)/.quoth-installed
DEV_INSTALLED := $(VENV)/.quoth-dev-installed
SYNCED := $(LOCAL_INDEX)/manifest.json
COMPILED := $(wildcard decoding/drafting/*.pyx)
# Setuptools warns of folders named quoth, where there is none, and that a setting may change.
HARMLESS := ignore:Editable installation,ignore:`[tool.setuptools.ext-modules]`
SPELLED := app retrieval decoding src tests bench docs docker indexes .ci .github $(wildcard *.md) \
	Makefile pyproject.toml

.DEFAULT_GOAL := help
.PHONY: help run test check bench format demo-index handbook constraints clean distclean

help:
	@echo "make run         set everything up, then serve the web chat on http://127.0.0.1:$(PORT)"
	@echo "make test        set everything up, then run the tests"
	@echo "make check       format, lint, types, layers, spelling"
	@echo "make bench       measure plain and accelerated decoding on this machine"
	@echo "make format      format the code and sort its imports"
	@echo "make demo-index  build indexes/demo again from docs/guide"
	@echo "make handbook    print docs/guide/handbook.pdf again from docs/handbook.html"
	@echo "make constraints write constraints.txt again, with the newest versions that pyproject.toml allows"
	@echo "make clean       remove caches and build outputs"
	@echo "make distclean   also remove .venv and indexes/local"
	@echo
	@echo "Variables: PYTHON=$(PYTHON) VENV=$(VENV) PORT=$(PORT) TORCH_INDEX=$(TORCH_INDEX) ARGS=$(ARGS)"
	@echo "Linux without an NVIDIA GPU: make run TORCH_INDEX=https://download.pytorch.org/whl/cpu"
	@echo "downloads 0.2 GB of PyTorch instead of 3 GB."

run: $(INSTALLED) $(SYNCED)
	@echo "Starting the web chat; this takes about ten seconds."
	@$(BIN)/quoth chat --index $(LOCAL_INDEX) --port $(PORT) \
		--example "Can I open an index with another embedder?" \
		--example "What does quoth index verify check?" \
		--example "Is the web chat protected by a log-in?"

test: $(DEV_INSTALLED)
	$(BIN)/pytest -rs $(ARGS)

# The packaging test comes first: without the links in src/quoth, mypy would check one file and be content.
check: $(DEV_INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pytest -q -p no:cacheprovider tests/contracts/test_packaging.py
	$(BIN)/mypy
	$(BIN)/lint-imports
	@# modle and caf: misspelt on purpose, in tests; bu and ser: names of office files; statics: of Rust
	$(BIN)/codespell -L modle,caf,bu,ser,statics $(SPELLED)

format: $(DEV_INSTALLED)
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

bench: $(INSTALLED)
	$(BIN)/python bench/answers.py $(ARGS)

demo-index: $(INSTALLED)
	$(BIN)/python docs/make_demo_index.py

handbook:
	$(PYTHON) docs/make_handbook.py

constraints:
	rm -rf build/constraints
	$(PYTHON) -m venv build/constraints
	build/constraints/bin/pip install --quiet --upgrade pip
	build/constraints/bin/pip install --quiet torch==2.13.0
	build/constraints/bin/pip install --quiet -e '.[all]' --group dev
	grep '^#' constraints.txt > build/constraints.txt
	build/constraints/bin/pip freeze --all --exclude-editable \
		| sed 's/+.*//' >> build/constraints.txt
	mv build/constraints.txt constraints.txt

clean:
	rm -rf build dist *.egg-info $(COMPILED:.pyx=.cpp) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache \
		.hypothesis .coverage htmlcov
	find . -path ./$(VENV) -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean
	rm -rf .venv $(LOCAL_INDEX) $(COMPILED:.pyx=.*.so)

$(SYNCED): $(INSTALLED) $(wildcard $(GUIDE)/*)
	@echo "Indexing the demo documents in $(GUIDE); this takes less than a minute."
	@$(BIN)/quoth index sync $(GUIDE) --index $(LOCAL_INDEX)
	@touch $@

$(INSTALLED): pyproject.toml constraints.txt $(COMPILED) | $(BIN)/pip
	@echo "Installing Quoth and its libraries into $(VENV); the first time takes a few minutes."
	@$(PIP) install --quiet --upgrade -c constraints.txt pip
	@if [ -n "$(TORCH_INDEX)" ]; then \
		echo "Fetching PyTorch from $(TORCH_INDEX)."; \
		$(PIP) install --no-deps -c constraints.txt --index-url "$(TORCH_INDEX)" torch; fi
	@PYTHONWARNINGS='$(HARMLESS)' $(PIP) install -c constraints.txt -e '.[all]'
	@touch $@

$(DEV_INSTALLED): $(INSTALLED)
	@echo "Installing what the tests and checks need; this takes about a minute."
	@$(PIP) install -c constraints.txt --group dev
	@touch $@

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Quoth needs Python 3.11 or later; $(PYTHON) is not that. Name one: make run PYTHON=python3.12"; \
		exit 1; }
	@echo "Creating a virtual environment in $(VENV)."
	@$(PYTHON) -m venv $(VENV)
