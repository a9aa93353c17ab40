package sourcesync

import (
	"bytes"
	"debug/elf"
	"errors"
	"slices"
)

// layout is where the headers of an ELF file have what changes with a section more:
// in the header of the file, and in that of a section ("ELF Header" and "Sections"
// in the System V ABI).
type layout struct {
	table, count, names       int
	offset, size, align, next int
}

var layouts = map[elf.Class]layout{
	elf.ELFCLASS32: {table: 0x20, count: 0x30, names: 0x32, offset: 16, size: 20, align: 32, next: 40},
	elf.ELFCLASS64: {table: 0x28, count: 0x3c, names: 0x3e, offset: 24, size: 32, align: 48, next: 64},
}

// AddSection adds a section to an ELF file, of data that is never loaded. Nothing
// that is there moves: what changes of it, the names of the sections and their
// table, is written anew behind it.
func AddSection(program []byte, name string, data []byte) ([]byte, error) {
	file, err := elf.NewFile(bytes.NewReader(program))
	if err != nil {
		return nil, err
	}
	l, order := layouts[file.Class], file.ByteOrder
	get := func(b []byte) int {
		if file.Class == elf.ELFCLASS32 {
			return int(order.Uint32(b))
		}
		return int(order.Uint64(b))
	}
	put := func(b []byte, n int) {
		if file.Class == elf.ELFCLASS32 {
			order.PutUint32(b, uint32(n))
		} else {
			order.PutUint64(b, uint64(n))
		}
	}
	table, count, index := get(program[l.table:]), len(file.Sections), int(order.Uint16(program[l.names:]))
	// From this number on, the header does not say how many there are.
	if count == 0 || count+1 >= int(elf.SHN_LORESERVE) || int(order.Uint16(program[l.count-2:])) != l.next {
		return nil, errors.New("the table of sections is not one that a section can be added to")
	}
	names, err := file.Sections[index].Data()
	if err != nil {
		return nil, err
	}
	headers := append(slices.Clone(program[table:table+count*l.next]), make([]byte, l.next)...)
	old, added := headers[index*l.next:], headers[count*l.next:]

	out := slices.Concat(program, data, names, []byte(name), []byte{0})
	put(old[l.offset:], len(program)+len(data))
	put(old[l.size:], len(names)+len(name)+1)
	order.PutUint32(added, uint32(len(names)))
	order.PutUint32(added[4:], uint32(elf.SHT_PROGBITS))
	put(added[l.offset:], len(program))
	put(added[l.size:], len(data))
	put(added[l.align:], 1)

	out = append(out, make([]byte, -len(out)&7)...) // The table is aligned.
	put(out[l.table:], len(out))
	order.PutUint16(out[l.count:], uint16(count+1))
	return append(out, headers...), nil
}
