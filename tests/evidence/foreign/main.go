// Command foreign verifies a log that Proofwatch wrote, with the libraries of Go's checksum database
// (golang.org/x/mod/sumdb: note and tlog) and none of Proofwatch's code.
//
//	foreign -log DIR -vkey KEY [-witness KEY] [-earlier NOTE -request BODY] [PROOF ...]
//
// DIR is a folder of C2SP tlog-tiles. It checks the checkpoint's signature, that the entries have its root,
// that every tile is the one that the entries give, and that the tiles alone lead to the root, too. With
// -witness the checkpoint must bear that witness's cosignature. With -earlier and -request it checks the
// consistency proof in the body of an add-checkpoint request, from that earlier checkpoint to DIR's. Each
// PROOF is a C2SP tlog-proof of an entry. It ends with 0 and one line, or with 1 and what is wrong.
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

func main() {
	folder := flag.String("log", "", "folder of the log")
	vkey := flag.String("vkey", "", "public key of the log")
	witness := flag.String("witness", "", "public key of a witness")
	earlier := flag.String("earlier", "", "file of an earlier checkpoint")
	request := flag.String("request", "", "file of a request with the consistency proof")
	flag.Parse()
	said, err := run(*folder, *vkey, *witness, *earlier, *request, flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(said)
}

func run(folder, vkey, witness, earlier, request string, proofs []string) (string, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return "", fmt.Errorf("the log's key: %w", err)
	}
	data, err := os.ReadFile(filepath.Join(folder, "checkpoint"))
	if err != nil {
		return "", err
	}
	head, err := openCheckpoint(data, verifier)
	if err != nil {
		return "", fmt.Errorf("checkpoint: %w", err)
	}
	if witness != "" {
		if err := checkCosignature(data, witness); err != nil {
			return "", fmt.Errorf("cosignature: %w", err)
		}
	}
	entries, err := readEntries(folder, head.N)
	if err != nil {
		return "", err
	}
	if err := checkEntries(folder, head, entries); err != nil {
		return "", err
	}
	// From here on only what the tiles say, authenticated against the root by the library.
	reader := tlog.TileHashReader(head, tiles(folder))
	root, err := tlog.TreeHash(head.N, reader)
	if err != nil || root != head.Hash {
		return "", fmt.Errorf("the tiles do not lead to the root: %v", err)
	}
	if earlier != "" {
		if err := checkConsistency(reader, head, verifier, data, earlier, request); err != nil {
			return "", fmt.Errorf("consistency: %w", err)
		}
	}
	for _, name := range proofs {
		if err := checkProof(reader, head, verifier, entries, name); err != nil {
			return "", fmt.Errorf("%s: %w", filepath.Base(name), err)
		}
	}
	return fmt.Sprintf("ok %d entries, root %v, %d proofs", head.N, head.Hash, len(proofs)), nil
}

// openCheckpoint verifies a signed checkpoint whose origin is the key's name.
func openCheckpoint(data []byte, verifier note.Verifier) (tlog.Tree, error) {
	opened, err := note.Open(data, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || lines[0] != verifier.Name() {
		return tlog.Tree{}, errors.New("it is not a checkpoint of the key's log")
	}
	size, err := number(lines[1])
	if err != nil {
		return tlog.Tree{}, err
	}
	hash, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: hash}, err
}

func number(text string) (int64, error) {
	found, err := strconv.ParseInt(text, 10, 64)
	if err != nil || found < 0 || strconv.FormatInt(found, 10) != text {
		return 0, fmt.Errorf("%q is no number", text)
	}
	return found, nil
}

// tilesOf lists the tiles of a tree: full ones, and of each level the widest at its edge.
func tilesOf(size int64) []tlog.Tile {
	var found []tlog.Tile
	for _, tile := range tlog.NewTiles(height, 0, size) {
		if last := len(found) - 1; last >= 0 && found[last].L == tile.L && found[last].N == tile.N {
			found[last] = tile
		} else {
			found = append(found, tile)
		}
	}
	return found
}

// readEntries reads the entry bundles: each entry is behind its length in two bytes.
func readEntries(folder string, size int64) ([][]byte, error) {
	var entries [][]byte
	for _, tile := range tilesOf(size) {
		if tile.L != 0 {
			continue
		}
		path := strings.Replace(tilePath(tile), "tile/0/", "tile/entries/", 1)
		data, err := os.ReadFile(filepath.Join(folder, path))
		if err != nil {
			return nil, err
		}
		for range make([]struct{}, tile.W) {
			if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
				return nil, fmt.Errorf("%s: it ends within an entry", path)
			}
			length := 2 + int(binary.BigEndian.Uint16(data))
			entries = append(entries, data[2:length])
			data = data[length:]
		}
		if len(data) > 0 {
			return nil, fmt.Errorf("%s: %d bytes are left", path, len(data))
		}
	}
	return entries, nil
}

// checkEntries builds the whole tree from the entries, and compares its root and every tile.
func checkEntries(folder string, head tlog.Tree, entries [][]byte) error {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		found := make([]tlog.Hash, len(indexes))
		for at, index := range indexes {
			found[at] = stored[index]
		}
		return found, nil
	})
	for index, entry := range entries {
		hashes, err := tlog.StoredHashes(int64(index), entry, reader)
		if err != nil {
			return err
		}
		stored = append(stored, hashes...)
	}
	root, err := tlog.TreeHash(head.N, reader)
	if err != nil {
		return err
	}
	if root != head.Hash {
		return errors.New("the entries do not have the root that was signed")
	}
	for _, tile := range tilesOf(head.N) {
		want, err := tlog.ReadTileData(tile, reader)
		if err != nil {
			return err
		}
		got, err := os.ReadFile(filepath.Join(folder, tilePath(tile)))
		if err != nil {
			return err
		}
		if !bytes.Equal(got, want) {
			return fmt.Errorf("%s is not the tile that the entries give", tilePath(tile))
		}
	}
	return nil
}

// tiles reads tiles from a folder for the library.
type tiles string

func (tiles) Height() int                     { return height }
func (tiles) SaveTiles([]tlog.Tile, [][]byte) {}
func (folder tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	found := make([][]byte, len(wanted))
	for at, tile := range wanted {
		data, err := os.ReadFile(filepath.Join(string(folder), tilePath(tile)))
		if err != nil {
			return nil, err
		}
		found[at] = data
	}
	return found, nil
}

// tilePath is the path of tlog-tiles: the library's own, without the height.
func tilePath(tile tlog.Tile) string {
	return strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/", height), "tile/", 1)
}

// checkConsistency checks the proof in a request, and that the library itself makes the same one.
func checkConsistency(reader tlog.HashReader, head tlog.Tree, verifier note.Verifier, signed []byte, earlier, request string) error {
	kept, err := os.ReadFile(earlier)
	if err != nil {
		return err
	}
	old, err := openCheckpoint(kept, verifier)
	if err != nil {
		return fmt.Errorf("the earlier checkpoint: %w", err)
	}
	body, err := os.ReadFile(request)
	if err != nil {
		return err
	}
	parts := bytes.SplitN(body, []byte("\n\n"), 2)
	if len(parts) != 2 || !bytes.Equal(parts[1], signed) {
		return errors.New("the request is not about this checkpoint")
	}
	lines := strings.Split(string(parts[0]), "\n")
	if lines[0] != fmt.Sprintf("old %d", old.N) {
		return fmt.Errorf("the request does not lead from %d entries", old.N)
	}
	var proof tlog.TreeProof
	for _, line := range lines[1:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return err
		}
		proof = append(proof, hash)
	}
	if err := tlog.CheckTree(proof, head.N, head.Hash, old.N, old.Hash); err != nil {
		return err
	}
	own, err := tlog.ProveTree(head.N, old.N, reader)
	if err != nil {
		return err
	}
	if fmt.Sprint(own) != fmt.Sprint(proof) {
		return errors.New("the library makes another proof")
	}
	return nil
}

// checkProof checks a C2SP tlog-proof of an entry, and that the library itself makes the same one.
func checkProof(reader tlog.HashReader, head tlog.Tree, verifier note.Verifier, entries [][]byte, name string) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	parts := bytes.SplitN(data, []byte("\n\n"), 2)
	lines := strings.Split(string(parts[0]), "\n")
	if len(parts) != 2 || lines[0] != "c2sp.org/tlog-proof@v1" || len(lines) < 2 {
		return errors.New("it is no tlog-proof")
	}
	lines = lines[1:]
	if strings.HasPrefix(lines[0], "extra ") && len(lines) > 1 {
		lines = lines[1:]
	}
	if !strings.HasPrefix(lines[0], "index ") {
		return errors.New("it names no entry")
	}
	index, err := number(strings.TrimPrefix(lines[0], "index "))
	if err != nil {
		return err
	}
	tree, err := openCheckpoint(parts[1], verifier)
	if err != nil {
		return err
	}
	if tree != head {
		return errors.New("it is under another checkpoint")
	}
	if index >= int64(len(entries)) {
		return fmt.Errorf("there is no entry %d", index)
	}
	var proof tlog.RecordProof
	for _, line := range lines[1:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return err
		}
		proof = append(proof, hash)
	}
	if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entries[index])); err != nil {
		return err
	}
	own, err := tlog.ProveRecord(head.N, index, reader)
	if err != nil {
		return err
	}
	if fmt.Sprint(own) != fmt.Sprint(proof) {
		return errors.New("the library makes another proof")
	}
	return nil
}

// cosigner verifies cosignature/v1 within the library's own notes.
type cosigner struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func (c cosigner) Name() string    { return c.name }
func (c cosigner) KeyHash() uint32 { return c.hash }
func (c cosigner) Verify(msg, sig []byte) bool {
	if len(sig) != 8+ed25519.SignatureSize {
		return false
	}
	head := fmt.Sprintf("cosignature/v1\ntime %d\n", binary.BigEndian.Uint64(sig))
	return ed25519.Verify(c.key, append([]byte(head), msg...), sig[8:])
}

func checkCosignature(data []byte, vkey string) error {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 {
		return errors.New("the witness's key is malformed")
	}
	key, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(key) != 1+ed25519.PublicKeySize || key[0] != 4 {
		return errors.New("it is not the key of a witness")
	}
	sum := sha256.Sum256([]byte(parts[0] + "\n" + string(key)))
	if fmt.Sprintf("%x", sum[:4]) != parts[1] {
		return errors.New("the id of the witness's key does not belong to it")
	}
	verifier := cosigner{parts[0], binary.BigEndian.Uint32(sum[:4]), key[1:]}
	_, err = note.Open(data, note.VerifierList(verifier))
	return err
}
