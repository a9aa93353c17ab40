// Package elftest makes small ELF files of every kind, for tests of what reads
// them. They have headers and tables, and no code.
package elftest

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
)

// File describes an ELF file. The zero value is a static program for
// linux/amd64.
type File struct {
	Machine elf.Machine // default: EM_X86_64
	Class   elf.Class   // default: ELFCLASS64
	Data    elf.Data    // default: ELFDATA2LSB
	Type    elf.Type    // default: ET_EXEC
	// NoEntry is a file that nothing can start.
	NoEntry bool
	// Flags are e_flags.
	Flags uint32
	// Interpreter is the dynamic linker, if any, and Libraries are those needed.
	Interpreter string
	Libraries   []string
	// Attributes is the content of .ARM.attributes.
	Attributes []byte
}

type section struct {
	name    string
	kind    elf.SectionType
	link    uint32
	entsize uint64
	data    []byte
	offset  uint64
}

// Bytes is the file.
func (f File) Bytes() []byte {
	if f.Machine == 0 {
		f.Machine = elf.EM_X86_64
	}
	if f.Class == 0 {
		f.Class = elf.ELFCLASS64
	}
	if f.Data == 0 {
		f.Data = elf.ELFDATA2LSB
	}
	if f.Type == 0 {
		f.Type = elf.ET_EXEC
	}
	var order binary.ByteOrder = binary.LittleEndian
	if f.Data == elf.ELFDATA2MSB {
		order = binary.BigEndian
	}
	wide := f.Class == elf.ELFCLASS64
	sections := f.sections(order)
	var names bytes.Buffer
	at := make([]uint32, len(sections))
	for i, s := range sections {
		at[i] = uint32(names.Len())
		names.WriteString(s.name)
		names.WriteByte(0)
	}
	sections[len(sections)-1].data = names.Bytes()

	head, prog, sect := 52, 32, 40
	if wide {
		head, prog, sect = 64, 56, 64
	}
	progs := 1
	if f.Interpreter != "" {
		progs++
	}
	offset := uint64(head + progs*prog)
	for i := range sections {
		sections[i].offset = offset
		offset += uint64(len(sections[i].data))
	}
	var out bytes.Buffer
	// Writing to a buffer cannot fail, nor can structs of fixed size.
	put := func(v any) { _ = binary.Write(&out, order, v) }
	ident := [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(f.Class), byte(f.Data), byte(elf.EV_CURRENT)}
	entry := uint64(0x400000)
	if f.NoEntry {
		entry = 0
	}
	if wide {
		put(elf.Header64{Ident: ident, Type: uint16(f.Type), Machine: uint16(f.Machine), Version: 1, Entry: entry, Phoff: uint64(head), Shoff: offset, Flags: f.Flags,
			Ehsize: uint16(head), Phentsize: uint16(prog), Phnum: uint16(progs), Shentsize: uint16(sect), Shnum: uint16(len(sections)), Shstrndx: uint16(len(sections) - 1)})
	} else {
		put(elf.Header32{Ident: ident, Type: uint16(f.Type), Machine: uint16(f.Machine), Version: 1, Entry: uint32(entry), Phoff: uint32(head), Shoff: uint32(offset), Flags: f.Flags,
			Ehsize: uint16(head), Phentsize: uint16(prog), Phnum: uint16(progs), Shentsize: uint16(sect), Shnum: uint16(len(sections)), Shstrndx: uint16(len(sections) - 1)})
	}
	program := func(kind elf.ProgType, off, size uint64) {
		if wide {
			put(elf.Prog64{Type: uint32(kind), Off: off, Filesz: size, Memsz: size})
		} else {
			put(elf.Prog32{Type: uint32(kind), Off: uint32(off), Filesz: uint32(size), Memsz: uint32(size)})
		}
	}
	program(elf.PT_LOAD, 0, offset)
	if f.Interpreter != "" {
		program(elf.PT_INTERP, sections[1].offset, uint64(len(sections[1].data)))
	}
	for _, s := range sections {
		out.Write(s.data)
	}
	for i, s := range sections {
		size := uint64(len(s.data))
		if wide {
			put(elf.Section64{Name: at[i], Type: uint32(s.kind), Off: s.offset, Size: size, Link: s.link, Entsize: s.entsize})
		} else {
			put(elf.Section32{Name: at[i], Type: uint32(s.kind), Off: uint32(s.offset), Size: uint32(size), Link: s.link, Entsize: uint32(s.entsize)})
		}
	}
	return out.Bytes()
}

func (f File) sections(order binary.ByteOrder) []section {
	out := []section{{}}
	if f.Interpreter != "" {
		out = append(out, section{name: ".interp", kind: elf.SHT_PROGBITS, data: append([]byte(f.Interpreter), 0)})
	}
	if len(f.Libraries) > 0 {
		names := []byte{0}
		var dynamic bytes.Buffer
		put := func(v uint64) {
			if f.Class == elf.ELFCLASS64 {
				_ = binary.Write(&dynamic, order, v)
			} else {
				_ = binary.Write(&dynamic, order, uint32(v))
			}
		}
		for _, l := range f.Libraries {
			put(uint64(elf.DT_NEEDED))
			put(uint64(len(names)))
			names = append(append(names, l...), 0)
		}
		put(uint64(elf.DT_NULL))
		put(0)
		out = append(out,
			section{name: ".dynstr", kind: elf.SHT_STRTAB, data: names},
			section{name: ".dynamic", kind: elf.SHT_DYNAMIC, link: uint32(len(out)), data: dynamic.Bytes()})
	}
	if f.Attributes != nil {
		out = append(out, section{name: ".ARM.attributes", kind: elf.SectionType(0x70000003), data: f.Attributes})
	}
	return append(out, section{name: ".shstrtab", kind: elf.SHT_STRTAB})
}

// ARMAttributes is the content of .ARM.attributes of a program for the processor
// with a name and a value of Tag_CPU_arch.
func ARMAttributes(cpu string, arch byte) []byte {
	attrs := append([]byte{5}, cpu...)
	// ABI_VFP_args and a compatibility entry stand around the version.
	attrs = append(attrs, 0, 32, 1, 'g', 'n', 'u', 0, 28, 1, 6, arch)
	le := binary.LittleEndian
	file := append(le.AppendUint32([]byte{1}, uint32(5+len(attrs))), attrs...)
	vendor := append([]byte("aeabi\x00"), file...)
	other := append(le.AppendUint32(nil, 4+4), "gnu\x00"...)
	out := append([]byte{'A'}, other...)
	return append(le.AppendUint32(out, uint32(4+len(vendor))), vendor...)
}
