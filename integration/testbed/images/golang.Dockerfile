ARG BASE=scratch
ARG FLAVOUR=full
FROM ${BASE} AS bare
COPY trust/ca-certificates/ /usr/local/share/ca-certificates/

FROM bare AS full
RUN apt-get update -qq && \
    apt-get install -y -qq --no-install-recommends ca-certificates g++ gcc git libc6-dev make pkg-config && \
    rm -rf /var/lib/apt/lists/*

# Paths and environment are those of the official image.
FROM ${FLAVOUR}
COPY trust/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=goroot / /usr/local/go/
ARG GOLANG_VERSION
ENV GOLANG_VERSION=${GOLANG_VERSION} GOTOOLCHAIN=local GOPATH=/go
ENV PATH=/go/bin:/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
RUN mkdir -p /go/src /go/bin && chmod -R 1777 /go
WORKDIR /go
