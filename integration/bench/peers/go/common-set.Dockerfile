# What most projects with several programs have: a build for each of them, over
# one layer of modules.
FROM --platform=$BUILDPLATFORM golang:1.26-bookworm AS source
WORKDIR /src
COPY {{join .Manifests}} ./
RUN go mod download
COPY . .
{{range .Set}}
FROM source AS build-{{.Bin}}
ARG TARGETOS TARGETARCH VERSION=dev
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -v -trimpath -ldflags="-s -w -X {{$.Stamp}}=$VERSION" -o /out/{{.Bin}} {{.Package}}

FROM scratch AS {{.Bin}}
COPY --from=build-{{.Bin}} /out/{{.Bin}} /{{.Bin}}
USER 65532:65532
ENTRYPOINT ["/{{.Bin}}"]
{{end}}
