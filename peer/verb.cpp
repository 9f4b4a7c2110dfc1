#include "peer/verb.hpp"

namespace pinhole::peer {

std::vector<Flag> all_flags(std::span<const Verb> verbs) {
    std::vector<Flag> out;
    for (const Verb& verb : verbs) {
        for (const Flag& flag : verb.flags) {
            if (find_flag(out, flag.name) == nullptr) out.push_back(flag);
        }
    }
    return out;
}

}  // namespace pinhole::peer
