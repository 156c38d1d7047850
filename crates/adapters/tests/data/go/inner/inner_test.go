package inner

import (
	"os"
	"testing"
)

func TestAdd(t *testing.T) {}

func TestDirectory(t *testing.T) {
	if _, err := os.Stat("inner_test.go"); err != nil {
		t.Fatal(err)
	}
}
