module semfora.dev/plugin-sdk

go 1.24
