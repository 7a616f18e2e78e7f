// The images to classify, in order: files, the JPEG and PNG files of directories, paths from standard input.
#pragma once

#include <cvt/error.hpp>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace app {

struct input {
    std::string path;
    cvt::error problem;  ///< set when the path stands for no image at all, such as a directory without any
};

class input_list {
public:
    /// Directories among `arguments` are listed here and now; "-" is read line by line as the images are wanted.
    explicit input_list(const std::vector<std::string>& arguments);

    /// Null at the end, and when a read from standard input is interrupted. Throws failure when standard input cannot be read.
    std::optional<input> next();
    /// Null while standard input may bring more.
    [[nodiscard]] std::optional<std::size_t> total() const { return open_ended_ ? std::nullopt : std::optional{total_}; }

private:
    std::deque<input> waiting_;
    std::size_t total_ = 0;
    bool open_ended_ = false;
    std::size_t before_standard_input_ = 0;  // how many of waiting_ come before its lines
};

}  // namespace app
