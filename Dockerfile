FROM python:3.13-slim AS build
WORKDIR /build
COPY pyproject.toml README.md LICENSE ./
COPY src src
COPY migrations migrations
RUN python -m venv /opt/kechuangtong && /opt/kechuangtong/bin/pip install --no-cache-dir .

FROM python:3.13-slim
RUN useradd --create-home kechuangtong && install -d -o kechuangtong /data
COPY --from=build /opt/kechuangtong /opt/kechuangtong
ENV PATH=/opt/kechuangtong/bin:$PATH KCT_DATA_DIR=/data KCT_HOST=0.0.0.0
USER kechuangtong
VOLUME /data
EXPOSE 8000
HEALTHCHECK --start-period=20s CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health/ready', timeout=5)"]
CMD ["kechuangtong", "serve"]
