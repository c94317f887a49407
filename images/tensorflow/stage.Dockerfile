# The images of pretrain, finetune and evaluate, which differ in a name only: `make image-pretrain`.
# TENSORFLOW is the image kubeflow-bert/tensorflow that was built for them.
ARG TENSORFLOW

FROM ${TENSORFLOW} AS build
WORKDIR /build
ARG STAGE
COPY get_uv.py sync.py uv.lock ./
COPY images/${STAGE}/pyproject.toml images/${STAGE}/uv.lock images/${STAGE}/
ENV UV_PROJECT_ENVIRONMENT=/opt/venv UV_LINK_MODE=copy
# Empty, or your package index: only this stage, of which nothing is shipped, sees it.
ARG PACKAGE_INDEX
# Only the files that the base lacks become a layer, so that the images share the rest.
RUN touch /start && \
    UV_DEFAULT_INDEX="${PACKAGE_INDEX}" python3 sync.py images/${STAGE} --python python3 \
        --inexact --no-cache --compile-bytecode \
        --no-install-package tensorflow-cpu --no-install-package horovod && \
    mkdir /added && find /opt/venv -cnewer /start ! -type d -print0 | \
    tar --create --null --files-from - | tar --extract --directory /added

FROM ${TENSORFLOW}
COPY --from=build /added /
WORKDIR /app
COPY components/__init__.py components/
COPY components/shared components/shared
ARG STAGE
COPY components/${STAGE} components/${STAGE}
# The steps that follow evaluations; a few lines, so each image has them.
COPY components/choose components/choose
COPY components/release components/release
ENV PYTHONPATH=/app PYTHONUNBUFFERED=1
ARG TENSORFLOW
ARG VERSION
ARG SOURCE
LABEL org.opencontainers.image.title="kubeflow-bert ${STAGE}" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="${TENSORFLOW}"
USER 10001
