package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

const (
	hungryEnv = "FROMSCRATCH_BENCH_TEST_HUNGRY"
	hungry    = 64 << 20
)

// TestMain lets the test binary be the processes that are watched: one that starts
// two others, and one that takes memory until its input ends.
func TestMain(m *testing.M) {
	switch os.Getenv(hungryEnv) {
	case "parent":
		var children [2]*exec.Cmd
		for i := range children {
			children[i] = exec.Command(os.Args[0])
			children[i].Env = append(os.Environ(), hungryEnv+"=child")
			children[i].Stdin, children[i].Stdout, children[i].Stderr = os.Stdin, os.Stdout, os.Stderr
			if err := children[i].Start(); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
		}
		for _, c := range children {
			if err := c.Wait(); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
		}
		os.Exit(0)
	case "child":
		memory, err := syscall.Mmap(-1, 0, hungry, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		for i := range memory {
			memory[i] = 1
		}
		fmt.Println("full")
		_, _ = bufio.NewReader(os.Stdin).ReadByte() // Its end is all that is waited for.
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestMemoryOfATree(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), hungryEnv+"=parent")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	peak := watchMemory(cmd.Process.Pid)
	lines := bufio.NewReader(out)
	for range 2 {
		line, err := lines.ReadString('\n')
		if err != nil || line != "full\n" {
			t.Fatalf("a child says %q, %v", line, err)
		}
	}
	time.Sleep(3 * sampleEvery)
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	// The tree is gone; what it took is not forgotten, and nothing fails.
	time.Sleep(2 * sampleEvery)
	if got := peak(); got < 2*hungry || got > 4*hungry {
		t.Errorf("got %d MiB, want twice %d and a little more", got>>20, hungry>>20)
	}
	if got := newFamily(cmd.Process.Pid).memory(); got != 0 {
		t.Errorf("a family that is gone has %d bytes", got)
	}
}

func TestParseProc(t *testing.T) {
	for text, want := range map[string]int{
		"42 (cargo) S 7 42 42 0 -1":      7,
		"42 (a) S 1 (b)) R 7 42 42 0 -1": 7,
		"42 (cargo) S x":                 0,
		"42 (cargo":                      0,
		"42 (cargo) S":                   0,
		"":                               0,
	} {
		if got, ok := parseParent([]byte(text)); ok != (want != 0) || ok && got != want {
			t.Errorf("%q: got %v, %v", text, got, ok)
		}
	}
	for text, want := range map[string]int64{
		"Name:\tcargo\nVmRSS:\t    900 kB\nRssAnon:\t     152 kB\nRssFile:\t 748 kB\n": 152 << 10,
		"Name:\tkthreadd\nState:\tS\n":  0,
		"Name:\tx\nRssAnon:\tmany kB\n": 0,
	} {
		if got := parseAnonymous([]byte(text)); got != want {
			t.Errorf("%q: got %d", text, got)
		}
	}
}
