// The rows of ../rows.mjs in Go, under the same names: `go test -bench Row -cpu 1`.
package bench

import (
	"fmt"
	"io"
	"net"
	"reflect"
	"runtime"
	"sort"
	"syscall"
	"testing"
	"time"
)

func BenchmarkRow(b *testing.B) {
	b.Run("rendezvous", stream(0))
	b.Run("ping-pong", pingPong)
	b.Run("buffered", stream(128))
	b.Run("buffered-try", stream(128)) // a send in Go tries first
	b.Run("for-await", ranged(128))
	b.Run("fan-in", fanIn(1000))
	b.Run("ring", ring(10000))
	b.Run("abortable", abortable)
	b.Run("select-2", select2)
	b.Run("select-ready", selectReady)
	b.Run("select-timeout", selectTimeout)
	for _, size := range []int{8, 32, 64, 128, 512, 1000, 2048, 10000} {
		b.Run(fmt.Sprint("select-", size), selectMany(size))
	}
	for _, size := range []int{2, 8, 32, 64, 128, 512, 1000, 2048, 10000} {
		b.Run(fmt.Sprint("selector-", size), selectMany(size))
	}
	b.Run("select-random-1000", selectRandom(1000))
	for _, size := range []int{2, 1000, 10000} { // reflect.Select takes 65,536 cases at most
		b.Run(fmt.Sprint("selector-random-", size), selectorRandom(size))
	}
	for _, size := range []int{1, 2, 8, 32, 128, 512, 2048, 8192} {
		b.Run(fmt.Sprint("buffered-", size), stream(size))
		b.Run(fmt.Sprint("buffered-try-", size), stream(size))
	}
	for _, size := range []int{2, 16, 1000} {
		b.Run(fmt.Sprint("fan-out-", size), fanOut(size))
	}
	b.Run("interval", interval)
	b.Run("echo", echo)
	b.Run("idle-channel", idleChannel)
	b.Run("parked-receive", parkedReceive)
}

var started time.Duration

// CPU time of this process: what else runs on the machine does not count.
func cpu() time.Duration {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func start(b *testing.B) {
	b.ResetTimer()
	started = cpu()
}

func check(b *testing.B, sum int) {
	b.ReportMetric(float64(cpu()-started)/float64(b.N), "cpu")
	if sum != b.N*(b.N-1)/2 {
		b.Fatal("wrong sum", sum)
	}
}

func channels(count int) []chan int {
	all := make([]chan int, count)
	for i := range all {
		all[i] = make(chan int)
	}
	return all
}

func sendAll(b *testing.B, channel chan<- int) {
	for i := 0; i < b.N; i++ {
		channel <- i
	}
}

func sendRound(b *testing.B, all []chan int) {
	next := 0
	for i := 0; i < b.N; i++ {
		all[next] <- i
		if next++; next == len(all) {
			next = 0
		}
	}
}

func stream(capacity int) func(b *testing.B) {
	return func(b *testing.B) {
		start(b)
		channel := make(chan int, capacity)
		go sendAll(b, channel)
		sum := 0
		for i := 0; i < b.N; i++ {
			sum += <-channel
		}
		check(b, sum)
	}
}

// Receiver i of `count` counts value v as v*count+i, so that the sum of all deliveries is that of the numbers below b.N.
func fanOut(count int) func(b *testing.B) {
	return func(b *testing.B) {
		start(b)
		sums := make(chan int)
		all := make([]chan int, count)
		for i := range all {
			all[i] = make(chan int, 128)
			go func(i int) {
				sum := 0
				for value := range all[i] {
					sum += value*count + i
				}
				sums <- sum
			}(i)
		}
		whole := b.N / count
		for value := 0; value < whole; value++ {
			for _, channel := range all {
				channel <- value
			}
		}
		sum := 0
		for _, channel := range all {
			close(channel)
			sum += <-sums
		}
		for i := whole * count; i < b.N; i++ {
			sum += i
		}
		check(b, sum)
	}
}

func pingPong(b *testing.B) {
	start(b)
	ping, pong := make(chan int), make(chan int)
	go func() {
		for i := 0; i < b.N; i++ {
			pong <- <-ping
		}
	}()
	sum := 0
	for i := 0; i < b.N; i++ {
		ping <- i
		sum += <-pong
	}
	check(b, sum)
}

func ranged(capacity int) func(b *testing.B) {
	return func(b *testing.B) {
		start(b)
		channel := make(chan int, capacity)
		go func() {
			sendAll(b, channel)
			close(channel)
		}()
		sum := 0
		for v := range channel {
			sum += v
		}
		check(b, sum)
	}
}

func fanIn(producers int) func(b *testing.B) {
	return func(b *testing.B) {
		start(b)
		channel := make(chan int)
		for first := 0; first < producers; first++ {
			go func(first int) {
				for i := first; i < b.N; i += producers {
					channel <- i
				}
			}(first)
		}
		sum := 0
		for i := 0; i < b.N; i++ {
			sum += <-channel
		}
		check(b, sum)
	}
}

func ring(count int) func(b *testing.B) {
	return func(b *testing.B) {
		all := channels(count)
		sum := 0
		finished := make(chan struct{})
		for i := range all {
			go func(from <-chan int, to chan<- int) {
				for item := range from {
					sum += item
					if item+1 < b.N {
						to <- item + 1
					} else {
						close(finished)
					}
				}
			}(all[i], all[(i+1)%count])
		}
		runtime.Gosched()
		start(b)
		all[0] <- 0
		<-finished
		check(b, sum)
		for _, channel := range all {
			close(channel)
		}
	}
}

func abortable(b *testing.B) {
	start(b)
	channel, done := make(chan int), make(chan struct{})
	go sendAll(b, channel)
	sum := 0
	for i := 0; i < b.N; i++ {
		select {
		case v := <-channel:
			sum += v
		case <-done:
			return
		}
	}
	check(b, sum)
}

// Two tasks, as in the other languages. About every other select finds a sender that waits: Go goes on with a
// goroutine that could hand over its value, where a JavaScript task always lets the other continue first.
func select2(b *testing.B) {
	start(b)
	all := channels(2)
	first, second := all[0], all[1]
	go sendRound(b, all)
	sum := 0
	for i := 0; i < b.N; i++ {
		select {
		case v := <-first:
			sum += v
		case v := <-second:
			sum += v
		}
	}
	check(b, sum)
}

// reflect.Select with the cases made once. A select statement of 64 cases is no more than a tenth faster.
func selectMany(count int) func(b *testing.B) { return selectSentBy(count, inOrder) }

func selectRandom(count int) func(b *testing.B) { return selectSentBy(count, shuffled) }

func selectSentBy(count int, order func(all []chan int) []chan int) func(b *testing.B) {
	return func(b *testing.B) {
		all := channels(count)
		cases := casesOf(all)
		senders := order(all)
		start(b)
		go sendRound(b, senders)
		sum := 0
		for i := 0; i < b.N; i++ {
			_, v, _ := reflect.Select(cases)
			sum += int(v.Int())
		}
		check(b, sum)
	}
}

func inOrder(all []chan int) []chan int { return all }

const stride = 7919

func shuffled(all []chan int) []chan int {
	order := make([]chan int, len(all))
	for i := range all {
		order[i] = all[i*stride%len(all)]
	}
	return order
}

func casesOf(all []chan int) []reflect.SelectCase {
	cases := make([]reflect.SelectCase, len(all))
	for i, channel := range all {
		cases[i] = reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(channel)}
	}
	return cases
}

// A value is put into a channel, then taken by a select over all.
func selectorRandom(count int) func(b *testing.B) {
	return func(b *testing.B) {
		all := make([]chan int, count)
		for i := range all {
			all[i] = make(chan int, 1)
		}
		cases := casesOf(all)
		order := shuffled(all)
		start(b)
		sum := 0
		for i := 0; i < b.N; i++ {
			order[i%count] <- i
			_, v, _ := reflect.Select(cases)
			sum += int(v.Int())
		}
		check(b, sum)
	}
}

func selectReady(b *testing.B) {
	start(b)
	first, second := make(chan int, 1), make(chan int, 1)
	sum := 0
	for i := 0; i < b.N; i++ {
		if i%2 == 0 {
			first <- i
		} else {
			second <- i
		}
		select {
		case v := <-first:
			sum += v
		case v := <-second:
			sum += v
		}
	}
	check(b, sum)
}

func selectTimeout(b *testing.B) {
	start(b)
	busy := make(chan int)
	go sendAll(b, busy)
	sum := 0
	for i := 0; i < b.N; i++ {
		select {
		case v := <-busy:
			sum += v
		case <-time.After(30 * time.Second):
		}
	}
	check(b, sum)
}

// Runs a rendezvous for 400 ms, whatever b.N is.
func load() {
	channel := make(chan int)
	end := time.Now().Add(400 * time.Millisecond)
	go func() {
		for i := 0; ; i++ {
			channel <- i
			if i%256 == 0 && time.Now().After(end) {
				close(channel)
				return
			}
		}
	}()
	for range channel {
	}
}

func report(b *testing.B, late []time.Duration) {
	sort.Slice(late, func(i, j int) bool { return late[i] < late[j] })
	milliseconds := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	b.ReportMetric(milliseconds(late[len(late)/2]), "p50")
	b.ReportMetric(milliseconds(late[len(late)*99/100]), "p99")
	b.ReportMetric(milliseconds(late[len(late)-1]), "max")
}

func interval(b *testing.B) {
	var late []time.Duration
	done := make(chan struct{})
	last := time.Now()
	fired := func() {
		now := time.Now()
		if gap := now.Sub(last) - time.Millisecond; gap > 0 {
			late = append(late, gap)
		} else {
			late = append(late, 0)
		}
		last = now
	}
	go func() {
		ticker := time.NewTicker(time.Millisecond)
		for {
			select {
			case <-ticker.C:
				fired()
			case <-done:
				return
			}
		}
	}()
	load()
	done <- struct{}{}
	fired()
	report(b, late)
}

func echo(b *testing.B) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer listener.Close()
	go func() {
		peer, err := listener.Accept()
		if err == nil {
			io.Copy(peer, peer)
		}
	}()
	socket, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer socket.Close()
	var trips []time.Duration
	go func() {
		message := make([]byte, 64)
		for {
			start := time.Now()
			socket.Write(message)
			if _, err := io.ReadFull(socket, message); err != nil {
				return
			}
			trips = append(trips, time.Since(start))
		}
	}()
	load()
	report(b, trips)
}

func bytes(count int, make func() any) float64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	held := make()
	runtime.Gosched()
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(held)
	return float64(after.HeapInuse+after.StackInuse-before.HeapInuse-before.StackInuse) / float64(count)
}

func idleChannel(b *testing.B) {
	const count = 100000
	b.ReportMetric(bytes(count, func() any { return channels(count) })-8, "bytes")
}

// A goroutine that waits on a channel, its stack included.
func parkedReceive(b *testing.B) {
	const count = 10000
	all := channels(count)
	b.ReportMetric(bytes(count, func() any {
		for _, channel := range all {
			go func(channel chan int) { <-channel }(channel)
		}
		return all
	}), "bytes")
	for _, channel := range all {
		close(channel)
	}
}
