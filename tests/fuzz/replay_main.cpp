// Runs a fuzz target over files instead of invented input: what a fuzzer once found stays found,
// in builds that have no libFuzzer too. Arguments are files or folders; no file at all is an error.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include <fmt/format.h>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

void replay(const std::filesystem::path& file) {
    std::ifstream stream{file, std::ios::binary};
    std::vector<std::uint8_t> content{std::istreambuf_iterator<char>{stream}, {}};
    // Said before it runs, so that the last line of a crash names its input.
    fmt::print("{} ({} bytes)\n", file.string(), content.size());
    std::fflush(stdout);
    LLVMFuzzerTestOneInput(content.data(), content.size());
}

std::size_t replay_all(const std::filesystem::path& path) {
    if (!std::filesystem::is_directory(path)) {
        replay(path);
        return 1;
    }
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator{path}) {
        if (!entry.is_regular_file()) continue;
        replay(entry.path());
        ++count;
    }
    return count;
}

}  // namespace

int main(int argc, char** argv) {
    std::size_t count = 0;
    for (int i = 1; i < argc; ++i) count += replay_all(argv[i]);
    fmt::print("{} inputs\n", count);
    return count == 0 ? 1 : 0;
}
