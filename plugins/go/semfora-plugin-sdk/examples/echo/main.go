// Echo reads a document from standard input through the SDK's types and writes it again: "echo context" or "echo
// recommendations". Tests compare the types with the published schemas this way.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	semfora "semfora.dev/plugin-sdk"
)

func main() {
	if err := echo(os.Args[len(os.Args)-1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func echo(kind string) error {
	input, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	var value any
	switch kind {
	case "context":
		value, err = semfora.ParseContext(input)
	case "recommendations":
		var found []semfora.Recommendation
		err = json.Unmarshal(input, &found)
		value = found
	default:
		err = fmt.Errorf("%q is neither context nor recommendations", kind)
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(value)
}
