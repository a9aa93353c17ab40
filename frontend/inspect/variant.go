package inspect

import (
	"bytes"
	"debug/buildinfo"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"github.com/fromscratch-build/fromscratch/llb/platform"
)

const floatSoft = 0x200

func floatRegisters(flag uint32) string {
	if flag == floatSoft {
		return "the registers of integers (soft float)"
	}
	return "registers of their own (hard float)"
}

// variant refuses a program for a later version of the processor than p promises,
// as far as the program tells: a Go program in its build info, one that a linker of
// GNU or LLVM made for ARM in its attributes.
func variant(f *elf.File, r io.ReaderAt, p platform.Platform) error {
	var got, limit int
	var says string
	switch f.Machine {
	case elf.EM_ARM:
		limit = armVersion(p)
		if v, ok := goSetting(f, r, "GOARM"); ok {
			v, _, _ = strings.Cut(v, ",")
			got, _ = strconv.Atoi(v) // What is no number is no version that is known here.
			says = "GOARM=" + v
		} else if v := armAttribute(f); v != 0 {
			got, says = v, "the attributes of its object files"
		}
		if got > limit {
			return &Error{Class: WrongVariant, Detail: fmt.Sprintf("is compiled for ARMv%d, as %s say%s, and %s has no more than ARMv%d", got, says, plural(says), p, limit)}
		}
	case elf.EM_X86_64:
		limit = amd64Level(p.OCI.Variant)
		if v, ok := goSetting(f, r, "GOAMD64"); ok {
			if got = amd64Level(v); got > limit {
				return &Error{Class: WrongVariant, Detail: fmt.Sprintf("is compiled for level v%d of x86-64, as GOAMD64=%s says, and %s has no more than v%d", got, v, p, limit)}
			}
		}
	}
	return nil
}

func plural(says string) string {
	if strings.HasPrefix(says, "GO") {
		return "s"
	}
	return ""
}

func armVersion(p platform.Platform) int {
	n, err := strconv.Atoi(strings.TrimPrefix(p.OCI.Variant, "v"))
	if err != nil {
		return 7
	}
	return n
}

func amd64Level(variant string) int {
	n, err := strconv.Atoi(strings.TrimPrefix(variant, "v"))
	if err != nil {
		return 1
	}
	return n
}

// goSetting is what the go command wrote into a program about its compile. ok is
// false when it wrote nothing, or the program is not Go's. Only a file with the
// section is searched, since the search of one without reads the whole file.
func goSetting(f *elf.File, r io.ReaderAt, key string) (value string, ok bool) {
	if f.Section(".go.buildinfo") == nil {
		return "", false
	}
	info, err := buildinfo.Read(r)
	if err != nil {
		return "", false
	}
	i := slices.IndexFunc(info.Settings, func(s debug.BuildSetting) bool { return s.Key == key })
	if i < 0 {
		return "", false
	}
	return info.Settings[i].Value, true
}

// maxAttributes is more than the attributes of any program take.
const maxAttributes = 4 << 10

// armAttribute is the version of the ARM architecture that the attributes of a
// program name, 0 when they name none.
func armAttribute(f *elf.File) int {
	// The sections of a stripped program keep them.
	s := f.Section(".ARM.attributes")
	if s == nil || s.Type == elf.SHT_NOBITS {
		return 0
	}
	data := make([]byte, min(s.Size, maxAttributes))
	if n, err := s.ReadAt(data, 0); err != nil {
		data = data[:n]
	}
	return attributeVersion(data, f.ByteOrder)
}

// Tags of "Addenda to, and Errata in, the ABI for the Arm Architecture", section 3.
const (
	tagFile       = 1
	tagCPURawName = 4
	tagCPUName    = 5
	tagCPUArch    = 6
	tagCompatible = 32
)

// attributeVersion reads the build attributes of the vendor aeabi: section 3.1 of
// the same document. What does not follow it says nothing.
func attributeVersion(data []byte, order binary.ByteOrder) int {
	if len(data) == 0 || data[0] != 'A' {
		return 0
	}
	for data = data[1:]; len(data) >= 4; {
		size := int(order.Uint32(data))
		if size < 4 || size > len(data) {
			return 0
		}
		vendor, rest, ok := bytes.Cut(data[4:size], []byte{0})
		data = data[size:]
		if !ok || string(vendor) != "aeabi" {
			continue
		}
		for len(rest) >= 5 {
			tag, size := rest[0], int(order.Uint32(rest[1:]))
			if size < 5 || size > len(rest) {
				return 0
			}
			if tag == tagFile {
				return cpuVersion(rest[5:size])
			}
			rest = rest[size:]
		}
	}
	return 0
}

func cpuVersion(attrs []byte) int {
	for len(attrs) > 0 {
		tag, n := binary.Uvarint(attrs)
		if n <= 0 {
			return 0
		}
		attrs = attrs[n:]
		number := tag != tagCPURawName && tag != tagCPUName && (tag <= tagCompatible || tag%2 == 0)
		if number {
			value, n := binary.Uvarint(attrs)
			if n <= 0 {
				return 0
			}
			if tag == tagCPUArch {
				return armArch(value)
			}
			attrs = attrs[n:]
		}
		if !number || tag == tagCompatible {
			_, rest, ok := bytes.Cut(attrs, []byte{0})
			if !ok {
				return 0
			}
			attrs = rest
		}
	}
	return 0
}

// armArch is the version that a value of Tag_CPU_arch stands for. Those of
// microcontrollers, which run no Linux, are none.
func armArch(value uint64) int {
	switch {
	case value >= 1 && value <= 2:
		return 4
	case value >= 3 && value <= 5:
		return 5
	case value >= 6 && value <= 9:
		return 6
	case value == 10:
		return 7
	case value == 14, value == 15:
		return 8
	case value == 22:
		return 9
	}
	return 0
}
