module layer-guard

go 1.24

require semfora.dev/plugin-sdk v0.0.0

replace semfora.dev/plugin-sdk => ../semfora-plugin-sdk
