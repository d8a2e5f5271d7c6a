# Pin further by a digest where the build must repeat: --build-arg PYTHON_IMAGE=python:3.13-slim@sha256:...
ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /app
COPY deploy/requirements.lock ./
# Every package by its hash, those that others bring included. Wheels only: nothing is compiled, so no compiler
# is needed, and no package's set-up code runs. pip stays outside, as does what packages carry for testers,
# compilers and type checkers.
RUN python -m venv --without-pip /opt/venv \
    && python -m pip --python /opt/venv/bin/python install --only-binary=:all: --no-compile --require-hashes -r requirements.lock \
    && find /opt/venv/lib -type d -name tests -prune -exec rm -r {} + \
    && find /opt/venv/lib -type f -regex '.*\.\(h\|cpp\|pyx\|pxd\|pyi\|a\|lib\)' -delete \
    && rm requirements.lock
COPY openapi.yaml ./
COPY service/ service/
# Bytecode now, since nothing can be written later. It is never held against its source again, so it
# does not matter which times a copy gives the files. Readable by all, whatever the checkout's umask was.
RUN python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/venv/lib service \
    && chmod -R a+rX,go-w /app /opt/venv \
    && install -d -m 1777 /opt/run/kobai

FROM ${PYTHON_IMAGE}
# Where the image comes from: --build-arg REVISION=$(git rev-parse HEAD) --build-arg SOURCE=$(git remote get-url origin)
ARG SOURCE=""
ARG REVISION=""
LABEL org.opencontainers.image.title="Kobai" \
      org.opencontainers.image.description="Exact gradients, descent, softmax and losses over HTTP" \
      org.opencontainers.image.version="1.0.0" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.revision="${REVISION}"
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    HOST=0.0.0.0 \
    PORT=8000
WORKDIR /app
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
# Where a tmpfs for the workers' metrics can lie; it takes its mode from here when a container starts again.
# Without one, and in a container that can write nowhere, they lie in /dev/shm.
COPY --from=build /opt/run/ /run/
# A number, so that Kubernetes' runAsNonRoot can tell that it is not root.
USER 10001:10001
EXPOSE 8000
# -S leaves site-packages out, which the check does not use: it takes 30 ms. Two seconds, since
# engines before 25 cannot look more often during the start than later.
HEALTHCHECK --interval=2s --timeout=3s --start-period=10s --retries=5 \
    CMD ["python", "-S", "-m", "service.healthcheck"]
CMD ["python", "-m", "service"]
