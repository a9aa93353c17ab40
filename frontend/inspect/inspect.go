// Package inspect proves that a finished program is what its platform needs: a
// static ELF binary of the right machine. It reads headers only, a few
// kilobytes, wherever the program lies.
package inspect

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/fromscratch-build/fromscratch/llb/platform"
)

// Class is the kind of failure, so that each toolchain can name its own cause
// and cure.
type Class int

const (
	// Missing is a file that is not there.
	Missing Class = iota + 1
	// Directory is a folder in the place of a file.
	Directory
	// Empty is a file with nothing in it.
	Empty
	// Script is a text that asks for an interpreter in its first line.
	Script
	// Foreign is a program for another operating system.
	Foreign
	// Archive is an archive of object files: a static library.
	Archive
	// NotELF is any other file that is no ELF binary.
	NotELF
	// Damaged is an ELF file that ends too early or contradicts itself.
	Damaged
	// Object is what a compiler leaves for a linker.
	Object
	// Library is a shared library.
	Library
	// NotProgram is any other ELF file that is no program, such as a core dump.
	NotProgram
	// WrongMachine is a binary for another machine: another processor, another width
	// of words or another order of bytes.
	WrongMachine
	// WrongFloat is an ARM binary with the other calling convention for floats.
	WrongFloat
	// WrongVariant is a binary for a later version of the processor.
	WrongVariant
	// Dynamic is a binary that needs a dynamic linker or shared libraries.
	Dynamic
)

// Classes lists all classes.
var Classes = []Class{Missing, Directory, Empty, Script, Foreign, Archive, NotELF, Damaged, Object, Library, NotProgram, WrongMachine, WrongFloat, WrongVariant, Dynamic}

// Error says why a binary was refused.
type Error struct {
	Class Class
	// Detail says what was found, as a half sentence that follows the binary's name.
	Detail string
	// Interpreter is the dynamic linker that a Dynamic binary asks for, or what runs a
	// Script, if any.
	Interpreter string
	// Libraries are the shared libraries that a Dynamic binary needs, if any.
	Libraries []string
}

func (e *Error) Error() string { return e.Detail }

// Files are the files that a compile left.
type Files interface {
	Stat(name string) (fs.FileInfo, error)
	ReaderAt(name string) io.ReaderAt
}

// File checks that the file called name is a static program for p, as Static does.
func File(files Files, name string, p platform.Platform) error {
	info, err := files.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &Error{Class: Missing, Detail: "is not there"}
	case err != nil:
		return err
	case info.IsDir():
		return &Error{Class: Directory, Detail: "is a directory"}
	}
	return Static(files.ReaderAt(name), info.Size(), p)
}

// Static checks that r holds a static program for p. size is the length of the
// file in bytes. The error is an *Error when the file is at fault, and any
// other when it could not be read. A static position-independent executable is
// static: it has a dynamic section, but neither interpreter nor libraries.
func Static(r io.ReaderAt, size int64, p platform.Platform) error {
	// The first line of a script may be as long as Linux reads it.
	head := make([]byte, 256)
	n, err := r.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	head = head[:n]
	if bad := notELF(head, size); bad != nil {
		return bad
	}
	f, err := elf.NewFile(r)
	if err != nil {
		return damaged(err)
	}
	if f.Machine != p.ELF.Machine || f.Class != p.ELF.Class || f.Data != p.ELF.Data {
		return &Error{Class: WrongMachine, Detail: fmt.Sprintf("is a program for %s, not for %s",
			machineName(f.Machine, f.Class, f.Data), p)}
	}
	if err := kind(f); err != nil {
		return err
	}
	if p.ELF.Float != 0 {
		const floatMask = 0x600
		// e_flags follows e_shoff in the header of a 32-bit file.
		flags := f.ByteOrder.Uint32(head[36:40])
		// Go says nothing about it in the header, and always follows GOARM.
		if got := flags & floatMask; got != 0 && got != p.ELF.Float {
			return &Error{Class: WrongFloat, Detail: fmt.Sprintf("passes floating-point numbers in %s, and programs for %s pass them in %s",
				floatRegisters(got), p, floatRegisters(p.ELF.Float))}
		}
	}
	if err := static(f); err != nil {
		return err
	}
	return variant(f, r, p)
}

// kind refuses ELF files that are no programs.
func kind(f *elf.File) error {
	switch f.Type {
	case elf.ET_EXEC, elf.ET_DYN:
		return nil
	case elf.ET_REL:
		return &Error{Class: Object, Detail: "is an object file, which a linker has yet to make a program of"}
	case elf.ET_CORE:
		return &Error{Class: NotProgram, Detail: "is a core dump, not a program"}
	}
	return &Error{Class: NotProgram, Detail: "is an ELF file but not a program: its type is " + f.Type.String()}
}

// damaged tells a file that ends too early or contradicts itself from one that
// could not be read.
func damaged(err error) error {
	_, format := errors.AsType[*elf.FormatError](err)
	if format || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &Error{Class: Damaged, Detail: "is a damaged ELF file: " + err.Error()}
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
			return &Error{Class: Library, Detail: "is a shared library, not a program"}
		}
		return nil
	}
	var parts []string
	if interpreter != "" {
		parts = append(parts, "asks for the dynamic linker "+interpreter)
	}
	switch len(libraries) {
	case 0:
	case 1:
		parts = append(parts, "needs the library "+libraries[0])
	default:
		parts = append(parts, "needs the libraries "+strings.Join(libraries, ", "))
	}
	if interpreter == "" && f.Entry == 0 {
		return &Error{Class: Library, Detail: "is a shared library, not a program", Libraries: libraries}
	}
	return &Error{Class: Dynamic, Detail: "is not static: it " + strings.Join(parts, " and "),
		Interpreter: interpreter, Libraries: libraries}
}

func notELF(head []byte, size int64) error {
	begins := func(magic string) bool { return bytes.HasPrefix(head, []byte(magic)) }
	switch {
	case size == 0:
		return &Error{Class: Empty, Detail: "is an empty file"}
	case begins("#!"):
		line, _, _ := strings.Cut(string(head[2:]), "\n")
		interpreter := strings.TrimSpace(line)
		if interpreter == "" {
			return &Error{Class: Script, Detail: "is a script without an interpreter in its first line"}
		}
		return &Error{Class: Script, Detail: fmt.Sprintf("is a script for %s, and an image from scratch has no interpreter", interpreter), Interpreter: interpreter}
	case begins(elf.ELFMAG):
		return nil
	case begins("!<arch>\n"), begins("!<thin>\n"):
		return &Error{Class: Archive, Detail: "is an archive of object files (a static library), not a program"}
	case begins("MZ"):
		return &Error{Class: Foreign, Detail: "is a program for Windows"}
	case len(head) >= 4 && isMachO(binary.BigEndian.Uint32(head)):
		return &Error{Class: Foreign, Detail: "is a program for macOS"}
	}
	return &Error{Class: NotELF, Detail: "is not an ELF binary"}
}

func isMachO(magic uint32) bool {
	switch magic {
	case 0xfeedface, 0xfeedfacf, 0xcefaedfe, 0xcffaedfe, 0xcafebabe:
		return true
	}
	return false
}

// machineName is the platform that a header is for, as users write platforms, or
// what it says of a machine that is none.
func machineName(m elf.Machine, c elf.Class, d elf.Data) string {
	for _, name := range []struct {
		machine elf.Machine
		class   elf.Class
		data    elf.Data
		name    string
	}{
		{elf.EM_X86_64, elf.ELFCLASS64, elf.ELFDATA2LSB, "linux/amd64"},
		{elf.EM_X86_64, elf.ELFCLASS32, elf.ELFDATA2LSB, "x32 (amd64 with pointers of 32 bits)"},
		{elf.EM_AARCH64, elf.ELFCLASS64, elf.ELFDATA2LSB, "linux/arm64"},
		{elf.EM_AARCH64, elf.ELFCLASS64, elf.ELFDATA2MSB, "arm64 with the other order of bytes (big endian)"},
		{elf.EM_AARCH64, elf.ELFCLASS32, elf.ELFDATA2LSB, "arm64 with pointers of 32 bits (ilp32)"},
		{elf.EM_ARM, elf.ELFCLASS32, elf.ELFDATA2LSB, "linux/arm"},
		{elf.EM_ARM, elf.ELFCLASS32, elf.ELFDATA2MSB, "arm with the other order of bytes (big endian)"},
		{elf.EM_386, elf.ELFCLASS32, elf.ELFDATA2LSB, "linux/386"},
		{elf.EM_RISCV, elf.ELFCLASS64, elf.ELFDATA2LSB, "linux/riscv64"},
		{elf.EM_RISCV, elf.ELFCLASS32, elf.ELFDATA2LSB, "riscv32"},
		{elf.EM_PPC64, elf.ELFCLASS64, elf.ELFDATA2LSB, "linux/ppc64le"},
		{elf.EM_PPC64, elf.ELFCLASS64, elf.ELFDATA2MSB, "ppc64, which has the other order of bytes (big endian)"},
		{elf.EM_PPC, elf.ELFCLASS32, elf.ELFDATA2MSB, "ppc, which has words of 32 bits"},
		{elf.EM_S390, elf.ELFCLASS64, elf.ELFDATA2MSB, "linux/s390x"},
		{elf.EM_S390, elf.ELFCLASS32, elf.ELFDATA2MSB, "s390, which has words of 31 bits"},
		{elf.EM_LOONGARCH, elf.ELFCLASS64, elf.ELFDATA2LSB, "linux/loong64"},
	} {
		if name.machine == m && name.class == c && name.data == d {
			return name.name
		}
	}
	return fmt.Sprintf("machine %s (%s, %s)", m, c, d)
}
