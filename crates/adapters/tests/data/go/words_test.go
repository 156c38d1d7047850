package words

import (
	"fmt"
	"os"
	"testing"
)

func TestAdd(t *testing.T) {
	if 1+1 != 2 {
		t.Error("sums are off")
	}
}

func TestWrong(t *testing.T) {
	t.Log("--- PASS: TestAdd (0.00s)")
	t.Errorf("1 + 1 = %d", 3)
}

func TestSkipped(t *testing.T) { t.Skip("no such device") }

func TestSub(t *testing.T) {
	for _, name := range []string{"a", "b c", "--- FAIL: TestAdd (0.00s)"} {
		t.Run(name, func(t *testing.T) {
			if name == "b c" {
				t.Skip("not this one")
			}
		})
	}
}

func TestSubWrong(t *testing.T) {
	t.Run("good", func(t *testing.T) {})
	t.Run("bad", func(t *testing.T) { t.Fatal("no") })
}

func TestParallelA(t *testing.T) { t.Parallel() }

func TestParallelB(t *testing.T) { t.Parallel() }

func TestPrints(t *testing.T) { fmt.Print("abc") }

func TestPrintsWrong(t *testing.T) {
	fmt.Print("xyz")
	t.Fail()
}

func TestGröße(t *testing.T) {}

func TestPlanted(t *testing.T) {
	switch os.Getenv("PLANT") {
	case "nil":
		var nowhere *int
		*nowhere = 1
	case "panic":
		panic("planted")
	case "goroutine":
		done := make(chan int)
		go func() { panic("planted") }()
		<-done
	case "exit":
		os.Exit(3)
	}
}

func TestBehind(t *testing.T) {}

func BenchmarkAdd(b *testing.B) {}

func FuzzAdd(f *testing.F) {
	f.Add(1)
	f.Fuzz(func(t *testing.T, n int) {})
}

func ExamplePrint() {
	fmt.Println("hello")
	// Output: hello
}

func ExampleWithoutOutput() { fmt.Println("hello") }
