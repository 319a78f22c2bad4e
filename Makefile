.PHONY: help setup demo test bench peers deb lint fmt clean
help: ## this list
	@grep -E '^[a-z]+:.*##' Makefile | sed 's/:.*## /\t/'
setup: ## install what is missing
	deploy/setup.sh
demo: setup ## build and run the demo
	cargo build --release --locked
	target/release/parapet demo
test: setup lint ## lints, tests and doc tests
	if cargo nextest --version >/dev/null 2>&1; then cargo nextest run --locked; else cargo test --locked --lib --bins --tests; fi
	cargo test --locked --doc
bench: setup ## criterion benches
	cargo bench --locked
peers: setup ## Parapet beside OpenCV, GStreamer and ffmpeg pipelines in Python: benches/peers
	benches/peers/run.sh
deb: setup ## the Debian package, into target/debian
	deploy/build-deb.sh
lint: ## format check and clippy
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
fmt: ## format the code
	cargo fmt
clean: ## remove build outputs
	cargo clean
