# syntax=docker/dockerfile:1
FROM node:20-bookworm-slim AS assets
WORKDIR /src/autoloop/web/frontend
COPY autoloop/web/frontend/package.json autoloop/web/frontend/package-lock.json autoloop/web/frontend/.npmrc ./
RUN npm ci --no-audit --no-fund
COPY autoloop/web/frontend ./
RUN npm run build

FROM python:3.12-slim-bookworm AS build
WORKDIR /src
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/autoloop
COPY requirements.lock ./
RUN /opt/autoloop/bin/pip install --require-hashes --no-deps -r requirements.lock
COPY setup.cfg setup.py pyproject.toml MANIFEST.in README.md LICENSE ./
COPY alembic alembic
COPY examples examples
COPY autoloop autoloop
COPY autoloop_plugins autoloop_plugins
COPY --from=assets /src/autoloop/web/static/dist autoloop/web/static/dist
RUN /opt/autoloop/bin/pip install --no-deps --no-build-isolation .

FROM python:3.12-slim-bookworm
RUN useradd --system --uid 10001 --create-home autoloop
COPY --from=build /opt/autoloop /opt/autoloop
COPY production.ini /etc/autoloop/production.ini
ENV PATH=/opt/autoloop/bin:$PATH PYTHONUNBUFFERED=1 AUTOLOOP_CONFIG=/etc/autoloop/production.ini
USER autoloop
WORKDIR /home/autoloop
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=3s --start-period=10s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/health', timeout=2)"]
ENTRYPOINT ["autoloop"]
CMD ["serve", "/etc/autoloop/production.ini"]
