# Evenkeel beside its services. The platform's tools that a repair may need (git, npm, python) are in the image;
# dependencies are fetched while it is built and nothing is fetched when it starts.
FROM node:24-bookworm-slim

ARG DENO_VERSION=2.9.6
RUN apt-get update \
  && apt-get install -y --no-install-recommends ca-certificates git python3 python3-venv tini \
  && rm -rf /var/lib/apt/lists/* \
  && npm install --global --no-audit --no-fund "deno@${DENO_VERSION}" \
  && npm cache clean --force

# The cache belongs to root: what runs here can read it and cannot change it.
ENV DENO_DIR=/opt/deno DENO_NO_UPDATE_CHECK=1 RES_OPTIONS="timeout:1 attempts:5"
WORKDIR /app

# Dependencies change less often than code, so they have a layer of their own.
COPY deno.json deno.lock ./
COPY vendor ./vendor
RUN deno install --frozen

COPY . .
RUN find main.ts agents tools -name '*.ts' -exec deno cache --frozen {} + \
  && useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin evenkeel \
  && install -d -o evenkeel -g evenkeel -m 0700 /data

USER evenkeel
ENV HOME=/data EVENKEEL_DATA_DIR=/data/evenkeel
WORKDIR /data
VOLUME /data

HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
  CMD ["deno", "eval", "const answer = await fetch('http://127.0.0.1:8765/healthz'); Deno.exit(answer.ok ? 0 : 1)"]

# tini collects the processes that a repair leaves without a parent and hands signals on.
ENTRYPOINT ["tini", "--", "deno", "run", "-A", "--cached-only", "/app/main.ts"]
CMD ["reconcile"]
