# syntax=docker/dockerfile:1

# compose.yaml hands on one that is pinned by digest.
ARG PYTHON_IMAGE=python:3.12-slim

# Build: the locked packages into a virtual environment. pip and its caches stay behind.
FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
COPY requirements.txt .
# Hashes: a package that was replaced after we locked it stops the build.
RUN /opt/venv/bin/pip install --require-hashes --requirement requirements.txt

FROM ${PYTHON_IMAGE}
ENV PATH=/opt/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    MALLOC_ARENA_MAX=2 \
    COACHBOT_ENV=production COACHBOT_DATA_DIR=/data
# A fixed number, so that a volume keeps its owner from image to image.
RUN useradd --system --uid 10001 --home-dir /nonexistent --shell /usr/sbin/nologin coachbot \
    && install -d -o coachbot -g coachbot /data /data/static
COPY --from=build /opt/venv /opt/venv
WORKDIR /app
COPY . .
USER coachbot
# Settings want secrets; these exist for this one command and are in no layer.
RUN COACHBOT_SECRET_KEY="$(python -c 'import secrets; print(secrets.token_urlsafe(64))')" \
    COACHBOT_ENCRYPTION_KEYS="build:$(python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())')" \
    PUBLIC_BASE_URL=https://build.invalid \
    python manage.py collectstatic --no-input
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
# Exec form: SIGTERM reaches the server, which answers what it has begun and refuses what is new.
# 512 threads, since a request waits for Vapi most of its time; a waiting one costs about 250 kB. Respawn: one dead worker is not an outage.
CMD ["python", "-m", "coachbot.server", "--host", "0.0.0.0", "--workers", "2", "--threads", "512", "--respawn"]
