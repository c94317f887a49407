# The images of ingest and serve, one target each: `make image-ingest`.
ARG BASE=python:3.13-slim-trixie

FROM ${BASE} AS build
WORKDIR /build
ARG STAGE
# The server's for GPUs is images/serve/gpu.
ARG ENVIRONMENT=images/${STAGE}
COPY get_uv.py sync.py uv.lock ./
COPY ${ENVIRONMENT}/pyproject.toml ${ENVIRONMENT}/uv.lock ${ENVIRONMENT}/
ENV UV_PROJECT_ENVIRONMENT=/opt/venv UV_LINK_MODE=copy
# Empty, or your package index: only this stage, of which nothing is shipped, sees it.
ARG PACKAGE_INDEX
RUN UV_DEFAULT_INDEX="${PACKAGE_INDEX}" python3 sync.py ${ENVIRONMENT} --python python3 \
        --no-cache --compile-bytecode

FROM ${BASE} AS stage
COPY --from=build /opt/venv /opt/venv
WORKDIR /app
COPY components/__init__.py components/
COPY components/shared components/shared
ARG STAGE
COPY components/${STAGE} components/${STAGE}
ENV PATH=/opt/venv/bin:$PATH PYTHONPATH=/app PYTHONUNBUFFERED=1
ARG BASE
ARG VERSION
ARG SOURCE
LABEL org.opencontainers.image.title="kubeflow-bert ${STAGE}" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="${BASE}"
USER 10001

FROM stage AS ingest
# The step that tells a webhook how a run ended; a few lines, so this image has them.
COPY components/notify components/notify

FROM stage AS serve
# KServe's ports for REST and gRPC.
EXPOSE 8080 8081
ENTRYPOINT ["python", "-m", "components.serve"]
