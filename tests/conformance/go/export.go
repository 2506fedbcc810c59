package main

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// folder serves an export's tiles to tlog, which checks each against the root before it uses it.
type folder string

func (f folder) Height() int { return 8 }

func (f folder) SaveTiles([]tlog.Tile, [][]byte) {}

// ReadTiles reads tiles where C2SP tlog-tiles puts them: Go's path without the height.
func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	found := make([][]byte, len(tiles))
	for i, tile := range tiles {
		var err error
		if found[i], err = f.read("tile/" + strings.TrimPrefix(tile.Path(), "tile/8/")); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func (f folder) read(path string) ([]byte, error) {
	return os.ReadFile(filepath.Join(string(f), filepath.FromSlash(path)))
}

// entries reads the bundle of the records from first on.
func (f folder) entries(first, size int64) ([][]byte, error) {
	width := size - first
	if width > 256 {
		width = 256
	}
	tile := tlog.Tile{H: 8, L: 0, N: first / 256, W: int(width)}
	data, err := f.read("tile/entries/" + strings.TrimPrefix(tile.Path(), "tile/8/0/"))
	if err != nil {
		return nil, err
	}
	var entries [][]byte
	for len(data) > 1 {
		length := int(binary.BigEndian.Uint16(data))
		if len(data) < 2+length {
			break
		}
		entries = append(entries, data[2:2+length])
		data = data[2+length:]
	}
	if len(data) > 0 || int64(len(entries)) != width {
		return nil, fmt.Errorf("bundle of record %d is not %d entries", first, width)
	}
	return entries, nil
}

// checkpoint opens the signed note with the export's own key.
func (f folder) checkpoint() (string, tlog.Tree, error) {
	var tree tlog.Tree
	key, err := f.read("vkey")
	if err != nil {
		return "", tree, err
	}
	verifier, err := note.NewVerifier(strings.TrimSuffix(string(key), "\n"))
	if err != nil {
		return "", tree, err
	}
	signed, err := f.read("checkpoint")
	if err != nil {
		return "", tree, err
	}
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return "", tree, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() {
		return "", tree, fmt.Errorf("not a checkpoint of %s", verifier.Name())
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || copy(tree.Hash[:], root) != tlog.HashSize {
		return "", tree, fmt.Errorf("not a root: %s", lines[2])
	}
	tree.N, err = strconv.ParseInt(lines[1], 10, 64)
	return lines[0], tree, err
}

// checkExport opens the checkpoint and checks every record and every earlier tree against it, through the tiles.
func checkExport(dir string) (map[string]any, error) {
	f := folder(dir)
	origin, tree, err := f.checkpoint()
	if err != nil {
		return nil, err
	}
	hashes := tlog.TileHashReader(tree, f)
	if root, err := tlog.TreeHash(tree.N, hashes); err != nil || root != tree.Hash {
		return nil, fmt.Errorf("root through the tiles: %v %v", root, err)
	}
	records := 0
	for first := int64(0); first < tree.N; first += 256 {
		entries, err := f.entries(first, tree.N)
		if err != nil {
			return nil, err
		}
		for i, entry := range entries {
			n := first + int64(i)
			path, err := tlog.ProveRecord(tree.N, n, hashes)
			if err == nil {
				err = tlog.CheckRecord(path, tree.N, tree.Hash, n, tlog.RecordHash(entry))
			}
			if err != nil {
				return nil, fmt.Errorf("record %d: %w", n, err)
			}
			records++
		}
	}
	trees := 0
	for n := int64(1); n <= tree.N; n++ {
		old, err := tlog.TreeHash(n, hashes)
		if err != nil {
			return nil, err
		}
		path, err := tlog.ProveTree(tree.N, n, hashes)
		if err == nil {
			err = tlog.CheckTree(path, tree.N, tree.Hash, n, old)
		}
		if err != nil {
			return nil, fmt.Errorf("tree of %d: %w", n, err)
		}
		trees++
	}
	return map[string]any{"origin": origin, "size": tree.N, "root": tree.Hash.String(), "records": records, "trees": trees}, nil
}
