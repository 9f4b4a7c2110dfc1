// What we know of a file that has not come whole: the hashes of its chunks that we wrote, and where
// its part file is. Survives us in `$XDG_STATE_HOME/pinhole/partials`, one file each:
//
//     "pinhole partial 2 " | 8 hexadecimal digits | " " | 5 digits | "\n" | place |
//     hash of chunk 0 (32) | chunk 1 | ...
//
// The first digits end the part file's name, the others are the length of its place: the directory
// of the transfer, NUL, and the path below it. A chunk is on the disk before its hash is written
// here, and counts only if it still has that hash: neither file is trusted alone. One transfer at a
// time holds a partial, by a lock that ends with the process. What nobody goes on with is removed
// in the end (`prune`), with its part file.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>

#include "peer/files/beneath.hpp"
#include "peer/files/tree_hash.hpp"
#include "shared/base/random.hpp"

namespace pinhole::peer::files {

class Partial {
  public:
    /// Of the part file's name; eight hexadecimal digits.
    [[nodiscard]] const std::string& suffix() const { return suffix_; }
    /// Another part file: what was known is forgotten.
    [[nodiscard]] Disk<void> restart(Random& random);

    /// The hash of the chunk, if it was ever written.
    [[nodiscard]] std::optional<Hash> hash_of(std::uint32_t index) const;
    /// Chunk `index` is written; those after it count no more.
    [[nodiscard]] Disk<void> note(std::uint32_t index, const Hash& hash);
    /// Forgets what came after the first `chunks`.
    [[nodiscard]] Disk<void> keep(std::uint32_t chunks);
    /// The file is whole, or given up: nothing remains.
    void remove();

  private:
    friend class PartialStore;
    Partial(UniqueFd fd, std::filesystem::path path, std::string place)
        : fd_(std::move(fd)), path_(std::move(path)), place_(std::move(place)) {}

    /// Where that hash stands.
    [[nodiscard]] std::uint64_t offset_of(std::uint32_t index) const;

    UniqueFd fd_;
    std::filesystem::path path_;
    /// Of the part file: directory, NUL, path.
    std::string place_;
    std::string suffix_;
};

/// What tells one file that is to come from another. Not its size or time: of a file that has grown
/// since, the chunks that are here still count.
struct PartialName {
    std::string_view sender;
    /// Where it goes, as an absolute path.
    std::string_view directory;
    std::string_view path;
};

/// Who has not gone on with a file for so long will not.
inline constexpr std::chrono::hours kPartialLife{24 * 30};

class PartialStore {
  public:
    /// Makes the directory, private to us. Throws what `make_private_directory` throws.
    PartialStore(const std::filesystem::path& state, Random& random);

    /// Opens what is known, or begins anew. Error `device_or_resource_busy` when another transfer
    /// holds it.
    [[nodiscard]] Disk<Partial> open(const PartialName& name);
    /// Removes what was not written to since then, and the part files: says how many. Those that a
    /// transfer holds are left alone.
    [[nodiscard]] std::size_t prune(std::filesystem::file_time_type since);

  private:
    std::filesystem::path directory_;
    Random& random_;
};

}  // namespace pinhole::peer::files
