# What an expert writes for programs that are built and released one by one: they
# share the caches of the go command.
{{range .Set}}
FROM --platform=$BUILDPLATFORM golang:1.26-bookworm AS build-{{.Bin}}
WORKDIR /src
ARG TARGETOS TARGETARCH VERSION=dev
RUN --mount=type=bind,target=. \
    --mount=type=cache,target=/go/pkg/mod \
    --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -v -trimpath -ldflags="-s -w -X {{$.Stamp}}=$VERSION" -o /out/{{.Bin}} {{.Package}}

FROM scratch AS {{.Bin}}
COPY --from=build-{{.Bin}} /out/{{.Bin}} /{{.Bin}}
USER 65532:65532
ENTRYPOINT ["/{{.Bin}}"]
{{end}}
