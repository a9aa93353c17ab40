package golang

import (
	"fmt"
	"strings"
)

// needsC are modules that are of no use without cgo, some of which compile all the
// same, to programs that fail as soon as they are used; and what to use instead.
var needsC = map[string]string{
	"github.com/mattn/go-sqlite3":                "modernc.org/sqlite (its driver is called sqlite), or github.com/ncruces/go-sqlite3",
	"github.com/mutecomm/go-sqlcipher":           "github.com/ncruces/go-sqlite3 with its encrypting VFS",
	"github.com/marcboeker/go-duckdb":            "a database with a driver in Go; DuckDB has none",
	"github.com/duckdb/duckdb-go":                "a database with a driver in Go; DuckDB has none",
	"github.com/confluentinc/confluent-kafka-go": "github.com/twmb/franz-go, github.com/segmentio/kafka-go or github.com/IBM/sarama",
	"github.com/linxGnu/grocksdb":                "github.com/cockroachdb/pebble or go.etcd.io/bbolt",
	"github.com/tecbot/gorocksdb":                "github.com/cockroachdb/pebble or go.etcd.io/bbolt",
	"github.com/jmhodges/levigo":                 "github.com/syndtr/goleveldb",
	"github.com/bmatsuo/lmdb-go":                 "go.etcd.io/bbolt",
	"github.com/PowerDNS/lmdb-go":                "go.etcd.io/bbolt",
	"github.com/libgit2/git2go":                  "github.com/go-git/go-git/v5",
	"github.com/DataDog/zstd":                    "github.com/klauspost/compress/zstd",
	"github.com/valyala/gozstd":                  "github.com/klauspost/compress/zstd",
	"github.com/h2non/bimg":                      "github.com/disintegration/imaging",
	"github.com/davidbyttow/govips":              "github.com/disintegration/imaging",
	"gopkg.in/gographics/imagick.v3":             "github.com/disintegration/imaging",
	"github.com/chai2010/webp":                   "github.com/gen2brain/webp",
	"github.com/godror/godror":                   "github.com/sijms/go-ora/v2",
	"github.com/mattn/go-oci8":                   "github.com/sijms/go-ora/v2",
	"github.com/ibmdb/go_ibm_db":                 "a server between them; DB2 has no driver in Go",
	"github.com/pebbe/zmq4":                      "github.com/go-zeromq/zmq4",
	"github.com/zeromq/goczmq":                   "github.com/go-zeromq/zmq4",
	"github.com/miekg/pkcs11":                    "a server that speaks to the token; PKCS#11 modules are shared libraries",
	"github.com/ThalesGroup/crypto11":            "a server that speaks to the token; PKCS#11 modules are shared libraries",
	"github.com/google/gopacket/pcap":            "github.com/gopacket/gopacket/pcapgo",
	"github.com/gopacket/gopacket/pcap":          "github.com/gopacket/gopacket/pcapgo",
	"github.com/yalue/onnxruntime_go":            "a server that runs the model; the ONNX runtime is a shared library",
	"github.com/tensorflow/tensorflow":           "a server that runs the model; TensorFlow is a shared library",
	"gocv.io/x/gocv":                             "a server that runs OpenCV; it is a shared library",
	"github.com/spacemonkeygo/openssl":           "the standard library's crypto/tls",
	"github.com/coreos/go-systemd/v22/sdjournal": "nothing; the journal is read by a shared library",
	"github.com/bytecodealliance/wasmtime-go":    "github.com/tetratelabs/wazero",
	"github.com/wasmerio/wasmer-go":              "github.com/tetratelabs/wazero",
	"rogchap.com/v8go":                           "github.com/dop251/goja",
	"github.com/proglottis/gpgme":                "the build tag containers_image_openpgp",
}

// NeedsC tells whether a module or package is one that is of no use without cgo, and
// what to use instead: a text for the middle of a sentence.
func NeedsC(importPath string) (instead string, ok bool) {
	for p := importPath; p != ""; {
		if instead, ok := needsC[p]; ok {
			return instead, true
		}
		i := strings.LastIndexByte(p, '/')
		if i < 0 {
			break
		}
		p = p[:i]
	}
	return "", false
}

// wrapsC says which import of a closure is of no use without cgo, or nothing.
func (c *closure) wrapsC() string {
	for _, name := range c.compiled() {
		instead, ok := NeedsC(name)
		if !ok {
			continue
		}
		file, line := c.importer(name)
		return fmt.Sprintf("%s:%d imports %s, which is a library in C: go-cgo0 compiles without cgo, and without it the package is missing or fails when it is used; use %s",
			file, line, name, instead)
	}
	return ""
}
