package rust

import "github.com/fromscratch-build/fromscratch/llb/toolchain"

// ToolchainID is toolchainID.
func (p *Plan) ToolchainID(e toolchain.Env) string { return p.toolchainID(e) }
