// EMBED_FILE(name, path): a file's bytes in the program, read by name(). For g++ and clang++ on ELF systems.
#pragma once

#include <cstddef>
#include <string_view>

// The assembler's .incbin takes the file as it is: the same megabytes as a C array would keep the compiler for minutes. Where
// there is no .incbin, C23's and C++26's #embed is the standard's way. The file is invisible to dependency scanning: name it
// in the source's OBJECT_DEPENDS, as CMakeLists.txt does for from_memory.cpp.
#define EMBED_FILE(name, path)                                                            \
    __asm__(                                                                              \
        ".pushsection .rodata\n"                                                          \
        ".balign 64\n"                                                                    \
        ".globl " #name "_begin, " #name                                                  \
        "_end\n"                                                                          \
        ".hidden " #name "_begin, " #name "_end\n" #name                                  \
        "_begin:\n"                                                                       \
        ".incbin \"" path "\"\n" #name                                                    \
        "_end:\n"                                                                         \
        ".byte 0\n"                                                                       \
        ".popsection\n");                                                                 \
    extern "C" {                                                                          \
    __attribute__((visibility("hidden"))) extern const char name##_begin[], name##_end[]; \
    }                                                                                     \
    static std::string_view name() { return {name##_begin, static_cast<std::size_t>(name##_end - name##_begin)}; }
