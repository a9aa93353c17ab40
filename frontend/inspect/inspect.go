// Package inspect proves that a finished program is what its platform needs: a
// static ELF binary of the right machine. It reads headers only, a few
// kilobytes, wherever the program lies.
package inspect

import (
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/fromscratch-build/fromscratch/llb/platform"
)

// Class is the kind of failure, so that each toolchain can name its own cause
// and cure.
type Class int

const (
	// NotELF is a file that is no ELF binary, such as a script or an empty file.
	NotELF Class = iota + 1
	// WrongMachine is a binary for another machine.
	WrongMachine
	// WrongFloat is an ARM binary with the other calling convention for floats.
	WrongFloat
	// NotProgram is an ELF file that is no program, such as an object file or a
	// shared library.
	NotProgram
	// Dynamic is a binary that needs a dynamic linker or shared libraries.
	Dynamic
)

// Error says why a binary was refused.
type Error struct {
	Class Class
	// Detail says what was found, as a half sentence that follows the binary's name.
	Detail string
	// Interpreter is the dynamic linker that a Dynamic binary asks for, if any.
	Interpreter string
	// Libraries are the shared libraries that a Dynamic binary needs, if any.
	Libraries []string
}

func (e *Error) Error() string { return e.Detail }

// Static checks that r holds a static program for p. size is the length of the
// file in bytes. The error is an *Error when the file is at fault, and any
// other when it could not be read. A static position-independent executable is
// static: it has a dynamic section, but neither interpreter nor libraries.
func Static(r io.ReaderAt, size int64, p platform.Platform) error {
	head := make([]byte, 64)
	n, err := r.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	head = head[:n]
	if detail := notELF(head, size); detail != "" {
		return &Error{Class: NotELF, Detail: detail}
	}
	f, err := elf.NewFile(r)
	if err != nil {
		return damaged(err)
	}
	if f.Machine != p.ELF.Machine || f.Class != p.ELF.Class || f.Data != p.ELF.Data {
		return &Error{Class: WrongMachine, Detail: fmt.Sprintf("is a program for %s, not for %s",
			machineName(f.Machine, f.Class, f.Data), p)}
	}
	if p.ELF.Float != 0 {
		const floatMask = 0x600
		// e_flags follows e_shoff in the header of a 32-bit file.
		flags := f.ByteOrder.Uint32(head[36:40])
		// Go says nothing about it in the header, and always follows GOARM.
		if got := flags & floatMask; got != 0 && got != p.ELF.Float {
			return &Error{Class: WrongFloat, Detail: fmt.Sprintf("uses the other ARM calling convention for floating point than %s", p)}
		}
	}
	if f.Type != elf.ET_EXEC && f.Type != elf.ET_DYN {
		return &Error{Class: NotProgram, Detail: "is an ELF file but not a program: its type is " + f.Type.String()}
	}
	return static(f)
}

// damaged tells a file that ends too early or contradicts itself from one that
// could not be read.
func damaged(err error) error {
	_, format := errors.AsType[*elf.FormatError](err)
	if format || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &Error{Class: NotELF, Detail: "is a damaged ELF file: " + err.Error()}
	}
	return err
}

func static(f *elf.File) error {
	var interpreter string
	for _, prog := range f.Progs {
		if prog.Type != elf.PT_INTERP {
			continue
		}
		// The path of a dynamic linker is short; a longer one is a damaged file.
		b := make([]byte, min(prog.Filesz, 4096))
		if _, err := prog.ReadAt(b, 0); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		interpreter = strings.TrimRight(string(b), "\x00")
	}
	libraries, err := f.ImportedLibraries()
	if err != nil {
		return damaged(err)
	}
	if interpreter == "" && len(libraries) == 0 {
		if f.Type == elf.ET_DYN && f.Entry == 0 {
			return &Error{Class: NotProgram, Detail: "is a shared library, not a program"}
		}
		return nil
	}
	var parts []string
	if interpreter != "" {
		parts = append(parts, "asks for the dynamic linker "+interpreter)
	}
	if len(libraries) > 0 {
		parts = append(parts, "needs "+strings.Join(libraries, ", "))
	}
	return &Error{Class: Dynamic, Detail: "is not static: it " + strings.Join(parts, " and "),
		Interpreter: interpreter, Libraries: libraries}
}

func notELF(head []byte, size int64) string {
	switch {
	case size == 0:
		return "is an empty file"
	case len(head) >= 2 && head[0] == '#' && head[1] == '!':
		line, _, _ := strings.Cut(string(head), "\n")
		return fmt.Sprintf("is a script (%s), and an image from scratch has no interpreter for it", line)
	case len(head) >= 4 && string(head[:4]) == elf.ELFMAG:
		return ""
	case len(head) >= 2 && string(head[:2]) == "MZ":
		return "is a Windows program"
	case len(head) >= 4 && isMachO(binary.BigEndian.Uint32(head)):
		return "is a macOS program"
	}
	return "is not an ELF binary"
}

func isMachO(magic uint32) bool {
	switch magic {
	case 0xfeedface, 0xfeedfacf, 0xcefaedfe, 0xcffaedfe, 0xcafebabe:
		return true
	}
	return false
}

func machineName(m elf.Machine, c elf.Class, d elf.Data) string {
	switch m {
	case elf.EM_X86_64:
		return "linux/amd64"
	case elf.EM_AARCH64:
		return "linux/arm64"
	case elf.EM_ARM:
		return "linux/arm"
	case elf.EM_386:
		return "linux/386"
	case elf.EM_RISCV:
		if c == elf.ELFCLASS64 {
			return "linux/riscv64"
		}
	case elf.EM_PPC64:
		if d == elf.ELFDATA2LSB {
			return "linux/ppc64le"
		}
		return "linux/ppc64"
	case elf.EM_S390:
		return "linux/s390x"
	case elf.EM_LOONGARCH:
		return "linux/loong64"
	}
	return fmt.Sprintf("machine %s", m)
}
