// The one error of words: on the command line, in the environment or in a configuration file.
#pragma once

#include <stdexcept>

namespace pinhole::peer {

/// The words make no sense; the text says which, in one line.
class UsageError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

}  // namespace pinhole::peer
