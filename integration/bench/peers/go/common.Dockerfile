# What most projects have: layers alone, and modules in one of their own.
FROM --platform=$BUILDPLATFORM golang:1.26-bookworm AS build
WORKDIR /src
COPY {{join .Manifests}} ./
RUN go mod download
COPY . .
ARG TARGETOS TARGETARCH VERSION=dev
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -v -trimpath -ldflags="-s -w -X {{.Stamp}}=$VERSION" -o /out/{{.Bin}} {{.Package}}

FROM scratch
COPY --from=build /out/{{.Bin}} /{{.Bin}}
USER 65532:65532
ENTRYPOINT ["/{{.Bin}}"]
