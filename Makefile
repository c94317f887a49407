# What a person runs. `make demo` and `make test` set up all they need by themselves.

# Runs sync.py: any Python from 3.8. Where it is given, the environments are made with it too.
PYTHON ?= python3
RUN := .venv/bin/python
# Makes the environment of a folder with pyproject.toml and uv.lock.
SYNC := $(RUN) sync.py
VERSION := $(shell sed -n 's/^VERSION = "\(.*\)"/\1/p' components/shared/images.py)
# What the images stand on; by digest (name@sha256:…) where a registry is reached.
BASE ?= python:3.13-slim-trixie
# Those with TensorFlow: cpu, or gpu for NVIDIA GPUs. images/README.md
VARIANT ?= cpu
TENSORFLOW_BUILD_BASE ?= $(BASE)
TENSORFLOW_BASE ?= $(BASE)
# The package index and the proxy for Go modules of this shell are those of the builds too;
# docker takes the values from the environment, so that no command shows a password.
export PACKAGE_INDEX ?= $(or $(UV_DEFAULT_INDEX),$(PIP_INDEX_URL))
MIRRORS := --build-arg PACKAGE_INDEX --build-arg GOPROXY
# An address for the images' labels, without what signs in.
SOURCE ?= $(shell git config --get remote.origin.url 2>/dev/null | sed 's|//[^/@]*@|//|')
# What `make compile` compiles, and the machines that it sizes each for; manifests/ applies those
# for cpu, and git ignores others (make compile PROFILES="dgx-1v-16g dgx-2").
PIPELINES := bert squad classification retraining
PROFILES ?= cpu
# Further flags of theirs, such as --kfp-version 2.16 or --queue team-a.
COMPILE ?=
STAGES := ingest preprocess pretrain finetune evaluate

# Benchmarks, in the order in which `make bench` runs them: tests/benchmarks/NAME.py each.
BENCHES := preprocess pretrain finetune serve

.PHONY: help setup demo serve test test-long drill test-cluster cluster-server test-gpu-images test-kill fuzz bench $(BENCHES:%=bench-%) environments huggingface lint check compile images push flink-jar
.DEFAULT_GOAL := help

help:  ## List what make can do
	@sed -n 's/^\([a-z-]*\):.*  ## /\1|/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "  make %-16s %s\n", $$1, $$2}'

setup:  ## Make the environment of the pipeline's command line (.venv)
	@"$(PYTHON)" sync.py . $(if $(filter file,$(origin PYTHON)),,--python "$(PYTHON)")

demo: setup  ## Run the whole pipeline on this machine, on the sample that ships with it
	$(RUN) -m pipelines run bert \
		--dump pipelines/sample/wiki-sample.xml.bz2 \
		--text pipelines/sample/text-sample.txt --held-out-rate 0.05 \
		--squad-train pipelines/sample/squad-sample.json \
		--vocabulary-size 8000 --num-duplicates 5 \
		--pretrain-128-num-steps 150 --pretrain-512-num-steps 40 \
		--finetune-num-epochs 6 --num-processes 2

# MODEL is a model's folder or a model store; ARGUMENTS are the server's flags.
serve: setup  ## Serve a finished model at http://localhost:8080/, by default the newest run's here
	@$(SYNC) images/serve --inexact
	@model="$(MODEL)"; model="$${model:-$$(ls -td runs/*/choose/checkpoint 2>/dev/null | head -1)}"; \
	test -n "$$model" || { echo "no finished model in runs/: make demo, or make serve MODEL=folder" >&2; exit 2; }; \
	exec images/serve/.venv/bin/python -m components.serve --model "$$model" $(ARGUMENTS)

# ARGUMENTS are pytest's, such as ARGUMENTS='-k vocabulary'; JOBS is the number of suites at a time.
test: setup  ## Run all tests, or those of SUITE=name; JOBS=2 runs two suites at a time
	@$(RUN) -m tests.runner.run $(SUITE) $(ARGUMENTS)

test-long: setup  ## Run the tests that take a minute or more each, real training among them
	@$(RUN) -m tests.runner.run $(SUITE) -m long $(ARGUMENTS)

drill: environments  ## Live through a year of monthly retrainings, on small files and the fake KFP server (ten minutes)
	@$(RUN) -m tests.drill

test-cluster: cluster-server  ## Test the manifests on a real Kubernetes API server (Go builds it once, in minutes)
	@$(RUN) -m tests.runner.run cluster $(ARGUMENTS)

cluster-server: setup
	@$(RUN) -m tests.cluster.programs

fuzz: setup  ## Run the randomized tests on new examples for SECONDS (300)
	@$(RUN) -m tests.runner.fuzz $(or $(SECONDS),300)

environments: setup  ## Make the environments of all stages, for their tests too
	@for stage in $(STAGES); do $(SYNC) images/$$stage --group test || exit; done

# PyPI's PyTorch comes with NVIDIA's libraries.
huggingface: setup  ## Set up PyTorch, transformers and JAX (4 GB), which tests and benchmarks compare with
	@$(SYNC) tests/huggingface

bench:  ## Run all benchmarks, one after the other (REAL_DATA); runs/bench/ gets their figures
	@for name in $(BENCHES); do $(MAKE) --no-print-directory bench-$$name || exit; done

bench-preprocess: setup  ## Compare preprocessing with Google's create_pretraining_data (REAL_DATA, a quarter of an hour)
	@$(SYNC) images/preprocess --inexact
	@$(SYNC) tests/benchmarks/preprocessing/peer
	@PYTHONPATH=. $(RUN) tests/benchmarks/preprocess.py $(ARGUMENTS)

bench-pretrain: huggingface  ## Compare pretraining with PyTorch's, packed rows with padded, two processes with one (REAL_DATA, a quarter of an hour)
	@$(SYNC) images/preprocess --inexact
	@$(SYNC) images/pretrain --inexact
	@PYTHONPATH=. $(RUN) tests/benchmarks/pretrain.py $(ARGUMENTS)

bench-finetune: huggingface  ## Compare fine-tuning and answers with Hugging Face's Trainer (REAL_DATA, up to half an hour)
	@$(SYNC) images/finetune --group test --inexact
	@$(SYNC) images/evaluate --inexact
	@PYTHONPATH=. $(RUN) tests/benchmarks/finetune.py $(ARGUMENTS)

bench-serve: huggingface  ## Compare the server's engine with PyTorch and ONNX Runtime, and its HTTP with the engine (ten minutes)
	@$(SYNC) images/serve --inexact
	@$(SYNC) images/evaluate --group test --inexact
	@PYTHONPATH=. $(RUN) tests/benchmarks/serve.py $(ARGUMENTS)

lint: setup  ## Run the formatter's check, the linter and the type checker
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy components pipelines get_uv.py sync.py

check: lint  ## Run the linters and the fast tests
	@$(RUN) -m tests.runner.run $(SUITE) -m "not slow and not long" $(ARGUMENTS)

compile: setup  ## Write the pipelines' IR YAML, sized for each of PROFILES, to manifests/pipelines
	@$(foreach pipeline,$(PIPELINES),$(foreach profile,$(PROFILES),$(RUN) -m pipelines compile \
		$(pipeline) $(COMPILE) --hardware $(profile) \
		--output manifests/pipelines/$(pipeline)-$(profile).yaml &&)) true
	@$(call compile_overlay,gke,gke-v100x8,)
	@$(call compile_overlay,kubeflow-native,cpu,--format kubernetes)

# What an overlay of manifests/ has of its own: (overlay, machine, further flags).
compile_overlay = $(foreach pipeline,$(PIPELINES),$(RUN) -m pipelines compile $(pipeline) $(COMPILE) \
	--hardware $(2) $(3) --output manifests/overlays/$(1)/$(pipeline).yaml &&) true

images: $(STAGES:%=image-%) image-serve image-pipelines  ## Build the images with this machine's container engine
	@docker images --filter reference='kubeflow-bert/*:$(VERSION)' --format 'table {{.Repository}}\t{{.Tag}}\t{{.Size}}'

# The images' names, as components/shared/images.py has them.
image = kubeflow-bert/$(1):$(VERSION)

image-%: DOCKERFILE = images/$*/Dockerfile
image-%:
	docker build --build-arg BASE=$(BASE) --build-arg TENSORFLOW=$(call image,tensorflow) \
		--build-arg STAGE=$* --build-arg VERSION=$(VERSION) --build-arg SOURCE="$(SOURCE)" \
		$(MIRRORS) --file $(DOCKERFILE) $(OPTIONS) --tag $(call image,$*) .

# One file for both, with a target for what each has of its own; the server has TensorFlow for GPUs.
image-ingest image-serve: DOCKERFILE = images/stage.Dockerfile
image-ingest image-serve: OPTIONS = --target $*
ifeq ($(VARIANT),gpu)
image-serve: OPTIONS += --build-arg ENVIRONMENT=images/serve/gpu
endif

image-tensorflow:
	docker build --build-arg BUILD_BASE=$(TENSORFLOW_BUILD_BASE) \
		--build-arg BASE=$(TENSORFLOW_BASE) --build-arg VARIANT=$(VARIANT) $(MIRRORS) \
		--file images/tensorflow/Dockerfile --tag $(call image,tensorflow) .

image-pretrain image-finetune image-evaluate: image-tensorflow
image-pretrain image-finetune image-evaluate: DOCKERFILE = images/tensorflow/stage.Dockerfile

test-kill: setup  ## Kill ranks of a training again and again (a quarter of an hour, on an idle machine)
	@KILL_OFTEN=true $(MAKE) --no-print-directory test SUITE=pretrain \
		ARGUMENTS="-k whatever_ends_a_training_process"

test-gpu-images: setup  ## Build the images for GPUs, and run the pipeline in them on CPUs (half an hour)
	@$(MAKE) --no-print-directory images VARIANT=gpu
	@GPU_IMAGES=true $(RUN) -m pytest -q -m docker \
		tests/images/test_gpu_images.py tests/pipelines/commands/test_run.py

push: setup  ## Push the images to REGISTRY (host/folder) and note their digests for `make compile`
	@test -n "$(REGISTRY)" || { echo "make push REGISTRY=registry.example.com/team" >&2; exit 2; }
	@$(RUN) -m pipelines push --registry "$(REGISTRY)"

flink-jar: .tools/flink/flink-job-server.jar  ## Make the job server for --beam-runner flink (needs Java and Maven)

.tools/flink/flink-job-server.jar: images/preprocess/flink-job-server.xml
	mvn --quiet --batch-mode --file $< -Doutput=$(CURDIR)/$(@D) package
	@touch $@
