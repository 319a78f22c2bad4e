.PHONY: help setup demo test bench peers deb lint fmt clean
help: ## this list
	@grep -E '^[a-z]+:.*##' Makefile | sed 's/:.*## /\t/'
setup: ## install what is missing
	deploy/setup.sh
demo: setup ## build and run the demo
	cargo build --profile demo --locked -p parapet -p parapet-lab
	target/demo/parapet demo
test: setup lint ## lints, tests and doc tests
	if cargo nextest --version >/dev/null 2>&1; then cargo nextest run --workspace --locked; \
	  else cargo test --workspace --locked --lib --bins --tests -- --test-threads=1; fi
	cargo test --workspace --locked --doc
bench: setup ## criterion benches
	cargo bench --workspace --locked
peers: setup ## Parapet beside OpenCV, GStreamer and ffmpeg pipelines in Python: benches/peers
	benches/peers/run.sh
deb: setup ## the Debian packages, into target/debian
	deploy/build-deb.sh
lint: ## format check, clippy (fuzz targets too), and where installed cargo-deny and cargo-shear
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	if cargo deny --version >/dev/null 2>&1; then cargo deny --all-features check -A duplicate bans licenses sources; fi
	if cargo shear --version >/dev/null 2>&1; then cargo shear; fi
fmt: ## format the code
	cargo fmt --all
clean: ## remove build outputs
	cargo clean
