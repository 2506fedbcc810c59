// Command conformance reads an export folder and proofs of ours with Go's transparency-log packages, which know nothing of us.
//
//	conformance export DIR              checkpoint note, tiles, every record's proof, every consistency proof
//	conformance proofs FILE [mutated]   JSON lines of proofs: all must hold, or, mutated, none may
//	conformance make N                  a tree of N records, its proofs and its signed checkpoint, made by Go
//
// One line of JSON on standard output sums up; anything that is not as it should be ends with status 1.
package main

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// proof is one line of a proof file: of inclusion where Leaf is set, else of consistency between Index leaves and Size.
type proof struct {
	Index  int64    `json:"index"`
	Size   int64    `json:"size"`
	Leaf   string   `json:"leaf,omitempty"`
	Old    string   `json:"old_root,omitempty"`
	Root   string   `json:"root"`
	Hashes []string `json:"hashes"`
}

func hash(text string) (h tlog.Hash, err error) {
	data, err := hex.DecodeString(text)
	if err != nil || copy(h[:], data) != tlog.HashSize || len(data) != tlog.HashSize {
		return h, errors.New("a hash has 32 bytes")
	}
	return h, nil
}

// check reports whether Go accepts the proof.
func (p proof) check() error {
	hashes := make([]tlog.Hash, len(p.Hashes))
	for i, text := range p.Hashes {
		var err error
		if hashes[i], err = hash(text); err != nil {
			return err
		}
	}
	root, err := hash(p.Root)
	if err != nil {
		return err
	}
	if p.Leaf != "" {
		leaf, err := hash(p.Leaf)
		if err != nil {
			return err
		}
		return tlog.CheckRecord(hashes, p.Size, root, p.Index, leaf)
	}
	old, err := hash(p.Old)
	if err != nil {
		return err
	}
	return tlog.CheckTree(hashes, p.Size, root, p.Index, old)
}

// checkProofs reads a proof file and demands that all its proofs hold, or that none does.
func checkProofs(path string, mutated bool) (map[string]any, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	accepted, refused := 0, 0
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var p proof
		if err := json.Unmarshal(lines.Bytes(), &p); err != nil {
			return nil, err
		}
		if err := p.check(); err == nil {
			accepted++
		} else {
			refused++
		}
	}
	summary := map[string]any{"accepted": accepted, "refused": refused}
	if mutated && accepted > 0 || !mutated && refused > 0 {
		return summary, errors.New("a proof was judged otherwise than it should be")
	}
	return summary, lines.Err()
}

// memory holds the stored hashes of a tree made here.
type memory []tlog.Hash

func (m memory) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		found[i] = m[index]
	}
	return found, nil
}

func text(hashes []tlog.Hash) []string {
	lines := make([]string, len(hashes))
	for i, h := range hashes {
		lines[i] = hex.EncodeToString(h[:])
	}
	return lines
}

// makeTree lets Go be the writer: records are the decimal numbers from 0.
func makeTree(size int64) (map[string]any, error) {
	var stored memory
	for n := int64(0); n < size; n++ {
		hashes, err := tlog.StoredHashes(n, []byte(strconv.FormatInt(n, 10)), stored)
		if err != nil {
			return nil, err
		}
		stored = append(stored, hashes...)
	}
	root, err := tlog.TreeHash(size, stored)
	if err != nil {
		return nil, err
	}
	var proofs []proof
	for n := int64(0); n < size; n++ {
		record, err := tlog.ProveRecord(size, n, stored)
		if err != nil {
			return nil, err
		}
		leaf := tlog.RecordHash([]byte(strconv.FormatInt(n, 10)))
		one := []tlog.Hash{leaf, root}
		proofs = append(proofs, proof{Index: n, Size: size, Leaf: text(one)[0], Root: text(one)[1], Hashes: text(record)})
		old, err := tlog.TreeHash(n+1, stored)
		if err != nil {
			return nil, err
		}
		tree, err := tlog.ProveTree(size, n+1, stored)
		if err != nil {
			return nil, err
		}
		two := []tlog.Hash{old, root}
		proofs = append(proofs, proof{Index: n + 1, Size: size, Old: text(two)[0], Root: text(two)[1], Hashes: text(tree)})
	}
	signingKey, verifierKey, err := note.GenerateKey(rand.Reader, "go.example/log")
	if err != nil {
		return nil, err
	}
	signer, err := note.NewSigner(signingKey)
	if err != nil {
		return nil, err
	}
	signed, err := note.Sign(&note.Note{Text: fmt.Sprintf("go.example/log\n%d\n%s\n", size, root)}, signer)
	return map[string]any{"vkey": verifierKey, "checkpoint": string(signed), "proofs": proofs}, err
}

func run(arguments []string) (map[string]any, error) {
	switch {
	case len(arguments) == 2 && arguments[0] == "export":
		return checkExport(arguments[1])
	case len(arguments) >= 2 && arguments[0] == "proofs":
		return checkProofs(arguments[1], len(arguments) == 3 && arguments[2] == "mutated")
	case len(arguments) == 2 && arguments[0] == "make":
		size, err := strconv.ParseInt(arguments[1], 10, 64)
		if err != nil {
			return nil, err
		}
		return makeTree(size)
	}
	return nil, errors.New("usage: conformance export DIR | proofs FILE [mutated] | make N")
}

func main() {
	summary, err := run(os.Args[1:])
	if summary == nil {
		summary = map[string]any{}
	}
	if err != nil {
		summary["error"] = err.Error()
	}
	line, _ := json.Marshal(summary)
	fmt.Println(string(line))
	if err != nil {
		os.Exit(1)
	}
}
