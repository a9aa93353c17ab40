package sourcesync_test

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/fromscratch-build/fromscratch/llb/sourcesync"
)

const (
	text  = "the code of the program"
	names = "\x00.text\x00.shstrtab\x00"
)

// object is the smallest ELF file with code and names of sections.
func object(t *testing.T, class elf.Class, order binary.ByteOrder) []byte {
	t.Helper()
	ident := [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(class), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)}
	if order == binary.ByteOrder(binary.BigEndian) {
		ident[elf.EI_DATA] = byte(elf.ELFDATA2MSB)
	}
	var parts []any
	if class == elf.ELFCLASS32 {
		const header, section = 52, 40
		at := uint32(header + 3*section)
		parts = []any{
			elf.Header32{Ident: ident, Type: uint16(elf.ET_EXEC), Version: 1, Shoff: header, Ehsize: header, Shentsize: section, Shnum: 3, Shstrndx: 2},
			elf.Section32{},
			elf.Section32{Name: 1, Type: uint32(elf.SHT_PROGBITS), Flags: uint32(elf.SHF_ALLOC), Addr: 0x1000, Off: at, Size: uint32(len(text)), Addralign: 1},
			elf.Section32{Name: 7, Type: uint32(elf.SHT_STRTAB), Off: at + uint32(len(text)), Size: uint32(len(names)), Addralign: 1},
		}
	} else {
		const header, section = 64, 64
		at := uint64(header + 3*section)
		parts = []any{
			elf.Header64{Ident: ident, Type: uint16(elf.ET_EXEC), Version: 1, Shoff: header, Ehsize: header, Shentsize: section, Shnum: 3, Shstrndx: 2},
			elf.Section64{},
			elf.Section64{Name: 1, Type: uint32(elf.SHT_PROGBITS), Flags: uint64(elf.SHF_ALLOC), Addr: 0x1000, Off: at, Size: uint64(len(text)), Addralign: 1},
			elf.Section64{Name: 7, Type: uint32(elf.SHT_STRTAB), Off: at + uint64(len(text)), Size: uint64(len(names)), Addralign: 1},
		}
	}
	var out bytes.Buffer
	for _, part := range append(parts, []byte(text), []byte(names)) {
		if err := binary.Write(&out, order, part); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

// section reads a section, which nothing loads.
func section(t *testing.T, program []byte, name string) []byte {
	t.Helper()
	file, err := elf.NewFile(bytes.NewReader(program))
	if err != nil {
		t.Fatal(err)
	}
	s := file.Section(name)
	if s == nil {
		t.Fatalf("there is no section %s in %v", name, file.Sections)
	}
	if s.Type != elf.SHT_PROGBITS || s.Flags != 0 || s.Addr != 0 {
		t.Errorf("%s: %+v", name, s.SectionHeader)
	}
	data, err := s.Data()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestAddSection(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		class elf.Class
		order binary.ByteOrder
	}{
		"32 bit little endian": {elf.ELFCLASS32, binary.LittleEndian},
		"32 bit big endian":    {elf.ELFCLASS32, binary.BigEndian},
		"64 bit little endian": {elf.ELFCLASS64, binary.LittleEndian},
		"64 bit big endian":    {elf.ELFCLASS64, binary.BigEndian},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := object(t, test.class, test.order)
			whole := bytes.Clone(before)
			once, err := sourcesync.AddSection(before, ".one", []byte("1"))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(before, whole) {
				t.Error("the program that was passed is another one now")
			}
			twice, err := sourcesync.AddSection(once, ".two", []byte("22"))
			if err != nil {
				t.Fatal(err)
			}
			if got := string(section(t, twice, ".one")) + string(section(t, twice, ".two")); got != "122" {
				t.Errorf("the sections hold %q", got)
			}
			file, err := elf.NewFile(bytes.NewReader(twice))
			if err != nil {
				t.Fatal(err)
			}
			if data, err := file.Section(".text").Data(); err != nil || string(data) != text {
				t.Errorf(".text holds %q, %v", data, err)
			}
			if len(file.Sections) != 5 || file.Section(".shstrtab") == nil {
				t.Errorf("sections: %v", file.Sections)
			}
		})
	}
}

func TestAddSectionRefuses(t *testing.T) {
	t.Parallel()
	stripped := object(t, elf.ELFCLASS64, binary.LittleEndian)
	clear(stripped[0x28:0x30]) // No table,
	clear(stripped[0x3c:0x40]) // with nothing in it.
	for name, program := range map[string][]byte{
		"a script":       []byte("#!/bin/sh\n"),
		"a header alone": object(t, elf.ELFCLASS64, binary.LittleEndian)[:64],
		"no sections":    stripped,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := sourcesync.AddSection(program, ".one", nil); err == nil {
				t.Error("there is no error")
			}
		})
	}
}

// TestAddSectionRuns: the program is the same for the kernel.
func TestAddSectionRuns(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	source, file := filepath.Join(dir, "main.go"), filepath.Join(dir, "program")
	if err := os.WriteFile(source, []byte("package main\n\nfunc main() { print(\"hello\") }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "build", "-ldflags", "-s -w", "-o", file, source)
	cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	program, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	changed, err := sourcesync.AddSection(program, ".one", []byte("1"))
	if err != nil {
		t.Fatal(err)
	}
	if string(section(t, changed, ".one")) != "1" {
		t.Error("the section does not have what was put there")
	}
	other := filepath.Join(dir, "changed")
	if err := os.WriteFile(other, changed, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{file, other} {
		if out, err := exec.Command(name).CombinedOutput(); err != nil || string(out) != "hello" {
			t.Errorf("%s prints %q, %v", name, out, err)
		}
	}
}
