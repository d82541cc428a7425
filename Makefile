# make            shows the commands
# make reports    diagnoses every pilot city; CITIES="siracusa treviso" narrows it
# Everything is installed into .venv on first use, from requirements.lock.

PYTHON ?= python3
CITIES ?=
LANGUAGE ?= it
CITY ?=
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help reports test quick example lab app check lock generate bench clean

help: ## show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1|\2/' | column -t -s '|' 2>/dev/null \
	  || grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST)

reports: $(READY) ## diagnose the pilot cities -> reports/<edition>/index.html (CITIES="siracusa treviso")
	$(BIN)/diagnosis report $(if $(CITIES),$(CITIES),--all) --pull --language $(LANGUAGE)

test: $(READY) ## lint and the whole test suite, as CI does
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n 2 --dist loadgroup

quick: $(READY) ## the suite without its slow tests
	$(BIN)/python -m pytest -q -n 2 --dist loadgroup -m "not slow"

example: $(READY) ## diagnose the invented example territory, without any download
	$(BIN)/diagnosis report example

lab: $(READY) ## open JupyterLab on the notebooks
	$(BIN)/jupyter lab --notebook-dir=.

app: $(READY) ## serve the area editor of one city as an app (needs the extra `app`: pip install voila)
	cd notebooks && ../$(BIN)/voila governance.ipynb

check: $(READY) ## say what data there are on one city: make check CITY=siracusa
	$(BIN)/diagnosis check $(if $(CITY),$(CITY),$(error give a city, for instance: make check CITY=siracusa))

lock: $(READY) ## resolve the dependencies again -> requirements.lock
	$(BIN)/uv pip compile pyproject.toml --universal --all-extras --no-emit-index-url --no-header --no-annotate \
	  --upgrade --quiet --output-file requirements.lock
	$(MAKE) generate

generate: $(READY) ## rewrite the files made from others (environment.yml, docs/indicators.md, docs/city-fields.md)
	$(BIN)/diagnosis generate

bench: $(READY) ## run the benchmarks of benchmarks/README.md (DIAGNOSIS_MIRROR names the data)
	$(BIN)/python benchmarks/areas.py $(or $(DIAGNOSIS_MIRROR),$(error DIAGNOSIS_MIRROR names the folder of the data))
	$(BIN)/python benchmarks/reports.py $(DIAGNOSIS_MIRROR)

clean: ## remove the environment and the saved stage results (not the downloads, not the reports)
	rm -rf $(VENV) data/cache

# uv is quick (seconds); pip does the same where uv cannot be had.
$(READY): requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
	  { echo "A virtual environment could not be made: on Debian and Ubuntu install python3-venv." >&2; exit 1; }
	@echo "Setting up $(VENV) (first use, or the list of packages has changed) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv \
	  && $(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --requirements requirements.lock \
	  && $(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable . \
	  || { $(BIN)/python -m pip install --quiet --requirement requirements.lock \
	  && $(BIN)/python -m pip install --quiet --no-deps --editable . ; }
	@touch $@
