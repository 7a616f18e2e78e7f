// input_list: the images or recordings to classify, in order: files, those in folders and tar archives, lines of standard input.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "input/input.hpp"
#include "input/path_queue.hpp"
#include "input/selection.hpp"
#include "input/stdin_lines.hpp"
#include "input/tar_images.hpp"

namespace app {

class input_list {
public:
    /// Lists the folders among `arguments` at once, but reads "-" line by line in next(). `kind`: what folders and archives are searched
    /// for. `tar`: paths name archives. Reads of standard input and of pipes obey `control`.
    input_list(const std::vector<std::string>& arguments, media kind, bool tar, selection& wanted, read_control& control);

    /// Null at the end. After an interrupt or a cancellation the result must be ignored. Throws failure if standard input cannot be
    /// read.
    std::optional<input> next();
    /// The number of inputs that the arguments name; null with standard input or archives, whose inputs are not known yet.
    [[nodiscard]] std::optional<std::size_t> total() const { return stdin_next_ || tar_ ? std::nullopt : std::optional{named_}; }
    /// Lines for standard error since the last input: what was skipped in folders.
    std::string take_notes() { return std::exchange(notes_, {}); }

private:
    std::optional<input> next_path();
    std::optional<input> from_line(const line& read);

    media kind_;
    bool tar_;
    selection& wanted_;
    read_control& control_;
    path_queue before_, after_;  // relative to "-"; paths from its lines go to before_
    line_reader lines_;
    std::optional<tar_images> archive_;
    std::string notes_;
    std::size_t named_ = 0;
    bool stdin_next_ = false;
};

}  // namespace app
