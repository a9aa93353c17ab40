package frontend_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fromscratch-build/fromscratch/frontend"
)

func TestPublicURL(t *testing.T) {
	for context, want := range map[string]string{
		"https://me:secret@git.example/app.git#main:sub": "https://git.example/app.git",
		"https://token@git.example/app.git?ref=v1":       "https://git.example/app.git",
		"ssh://git@git.example:22/app.git":               "ssh://git@git.example:22/app.git",
		"ssh://git:secret@git.example/app.git":           "ssh://git@git.example/app.git",
		"git@git.example:team/app.git#main":              "git@git.example:team/app.git",
		"github.com/team/app":                            "https://github.com/team/app",
		"git://127.0.0.1:9418/app.git#v1":                "git://127.0.0.1:9418/app.git",
	} {
		require.Equal(t, want, frontend.PublicURL(t, context), context)
	}
}
