# The shapes that almost every target has: a floor of the library and a test program.

# pinhole_add_floor(NAME SOURCES file... HEADERS file... LINK target...)
# A folder of shared/ as a static library. Each header must stand alone: one that a source of the
# same name includes first (scripts/check_floors) does if that compiles, the target
# all_verify_interface_header_sets compiles the others.
function(pinhole_add_floor name)
    cmake_parse_arguments(arg "" "" "SOURCES;HEADERS;LINK" ${ARGN})
    if(arg_SOURCES)
        add_library(pinhole_${name} STATIC ${arg_SOURCES})
        set(scope PUBLIC)
    else()
        add_library(pinhole_${name} INTERFACE)
        set(scope INTERFACE)
    endif()
    set(with_source)
    foreach(header IN LISTS arg_HEADERS)
        string(REGEX REPLACE "hpp$" "cpp" source ${header})
        if(source IN_LIST arg_SOURCES)
            list(REMOVE_ITEM arg_HEADERS ${header})
            list(APPEND with_source ${header})
        endif()
    endforeach()
    target_sources(pinhole_${name} ${scope}
        FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR} FILES ${arg_HEADERS}
        FILE_SET with_source TYPE HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR} FILES ${with_source})
    target_link_libraries(pinhole_${name} ${scope} pinhole_options ${arg_LINK})
    set_target_properties(pinhole_${name} PROPERTIES
        VERIFY_INTERFACE_HEADER_SETS ON INTERFACE_HEADER_SETS_TO_VERIFY HEADERS)
endfunction()

# pinhole_build_as_test(NAME)
# Compiles an executable that links gmock the quick way: the tests themselves are built for compile
# time, with lines and functions as their debug information; what they test is optimised.
function(pinhole_build_as_test name)
    target_compile_options(${name} PRIVATE -O0 -g1)
    target_compile_definitions(${name} PRIVATE PINHOLE_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
    set_target_properties(${name} PROPERTIES PINHOLE_TEST_CODE ON UNITY_BUILD OFF)
    # A third of a test's compile time is these headers: compiled once, with the first program, for
    # all. scripts/tidy reads the tests without them.
    get_property(first GLOBAL PROPERTY PINHOLE_FIRST_TEST)
    if(first)
        target_precompile_headers(${name} REUSE_FROM ${first})
    else()
        set_property(GLOBAL PROPERTY PINHOLE_FIRST_TEST ${name})
        target_precompile_headers(${name} PRIVATE
            <algorithm> <array> <deque> <functional> <map> <memory> <optional> <set> <string>
            <variant> <vector> <fmt/format.h> <gmock/gmock.h> <gtest/gtest.h>)
    endif()
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        target_compile_options(${name} PRIVATE -fpch-preprocess)
    else()
        # clang writes the folder that it ran in into a precompiled header: ccache must not take it
        # from another one, nor may the age of the file that it was made of matter.
        target_compile_options(${name} PRIVATE "SHELL:-Xclang -fno-pch-timestamp")
        if(PINHOLE_CCACHE)
            set_target_properties(${name} PROPERTIES CXX_COMPILER_LAUNCHER
                "${CMAKE_COMMAND};-E;env;CCACHE_SLOPPINESS=pch_defines,time_macros;${PINHOLE_CCACHE}")
        endif()
    endif()
endfunction()

# pinhole_add_test(NAME [UNITY] SOURCES file... LINK target... [LABELS label...] [TIMEOUT seconds])
# A GoogleTest program whose tests ctest runs one by one. They compute, where tests of whole programs
# wait: scripts/test gives ctest more slots than there are cores, and each of these takes two.
# UNITY compiles its sources several at a time (PINHOLE_UNITY), half the work where they are large: no
# two of them may then give one name to two things, not in anonymous namespaces either.
function(pinhole_add_test name)
    cmake_parse_arguments(arg "UNITY" "TIMEOUT" "SOURCES;LINK;LABELS" ${ARGN})
    if(NOT arg_TIMEOUT)
        set(arg_TIMEOUT 120)
    endif()
    add_executable(${name} ${arg_SOURCES})
    target_link_libraries(${name} PRIVATE pinhole_options ${arg_LINK} GTest::gtest_main GTest::gmock)
    pinhole_build_as_test(${name})
    if(arg_UNITY)
        set_target_properties(${name} PROPERTIES UNITY_BUILD ${PINHOLE_UNITY})
    endif()
    gtest_discover_tests(${name}
        # The number of a value, where it has no name: values may be long, and addresses in memory.
        NO_PRETTY_VALUES
        DISCOVERY_TIMEOUT 60
        PROPERTIES TIMEOUT ${arg_TIMEOUT} PROCESSORS 2 LABELS "${arg_LABELS}")
endfunction()
