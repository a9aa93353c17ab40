module example.com/monorepo

go 1.26

require (
	github.com/go-chi/chi/v5 v5.5.0
	golang.org/x/sync v0.22.0
)
