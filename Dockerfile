# One image for every process: `docker run … tiptoe web|engine|gateway|sandbox|migrate|up`.
FROM python:3.12-slim

ENV PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore

WORKDIR /app

# The libraries first: this layer stays until the lock file changes.
COPY requirements.lock ./
RUN pip install --require-hashes -r requirements.lock

COPY . .
RUN pip install --no-deps --no-build-isolation --no-index --editable . \
 && useradd --system --uid 10001 --home-dir /data --no-create-home tiptoe \
 && install -d -o tiptoe -g tiptoe -m 0700 /data

ENV TIPTOE_DATA=/data \
    TIPTOE_HOST=0.0.0.0
USER tiptoe
VOLUME /data
EXPOSE 8000 8001

ENTRYPOINT ["tiptoe"]
CMD ["up"]
