# Quoth on NVIDIA GPUs. PyTorch brings the CUDA libraries along; the host needs a driver and the NVIDIA
# Container Toolkit. From the repository's root:
#   docker build -f docker/cuda.Dockerfile -t quoth:cuda .
# docker/README.md says how to run it.

FROM python:3.13-slim-bookworm AS wheel
# The compiler stays behind in this stage; with it, part of the drafting is compiled.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++ \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY LICENSE README.md pyproject.toml ./
COPY src ./src
COPY app ./app
COPY decoding ./decoding
COPY retrieval ./retrieval
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:3.13-slim-bookworm
ARG TORCH_INDEX=https://pypi.org/simple
ENV PYTHONUNBUFFERED=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    QUOTH_HOME=/data \
    HF_HOME=/data/huggingface \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
RUN groupadd --gid 10001 quoth \
    && useradd --uid 10001 --gid quoth --no-log-init --no-create-home --shell /usr/sbin/nologin quoth \
    && install --directory --owner=quoth --group=quoth /data
COPY constraints.txt /opt/quoth/constraints.txt
RUN pip install --no-cache-dir --no-deps --constraint /opt/quoth/constraints.txt \
    --index-url "${TORCH_INDEX}" torch
RUN --mount=type=bind,from=wheel,source=/wheels,target=/wheels \
    for wheel in /wheels/quoth-*.whl; do \
        pip install --no-cache-dir --constraint /opt/quoth/constraints.txt "${wheel}[all]" || exit 1; \
    done
COPY docs/guide /documents
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 7860
STOPSIGNAL SIGINT
HEALTHCHECK --interval=30s --timeout=5s --start-period=180s --retries=3 \
    CMD ["python", "-c", "from http.client import HTTPConnection as C; c = C('127.0.0.1', 7860, timeout=4); c.request('GET', '/'); raise SystemExit(c.getresponse().status != 200)"]
CMD ["quoth", "chat", "--host", "0.0.0.0", "--port", "7860", "--docs", "/documents"]
