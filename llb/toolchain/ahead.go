package toolchain

import "sync"

// readers is how many questions are asked at a time.
const readers = 16

// ReadAhead calls read for each of items, several at a time, and waits for all. It is for
// files of the build context, each of which is a question to BuildKit that is remembered:
// whoever needs one asks again, and is told what is wrong with it.
func ReadAhead[T any](items []T, read func(T)) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, readers)
	for _, item := range items {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			read(item)
		})
	}
	wg.Wait()
}
