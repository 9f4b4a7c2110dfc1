# The two shapes that almost every target has: a floor of the library and a test program.

# pinhole_add_floor(NAME SOURCES file... HEADERS file... LINK target...)
# A folder of shared/ as a static library. Headers are verified to be self-sufficient by the target
# all_verify_interface_header_sets.
function(pinhole_add_floor name)
    cmake_parse_arguments(arg "" "" "SOURCES;HEADERS;LINK" ${ARGN})
    if(arg_SOURCES)
        add_library(pinhole_${name} STATIC ${arg_SOURCES})
        set(scope PUBLIC)
    else()
        add_library(pinhole_${name} INTERFACE)
        set(scope INTERFACE)
    endif()
    target_sources(pinhole_${name} ${scope}
        FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR} FILES ${arg_HEADERS})
    target_link_libraries(pinhole_${name} ${scope} pinhole_options ${arg_LINK})
    set_target_properties(pinhole_${name} PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)
endfunction()

# pinhole_add_test(NAME SOURCES file... LINK target... [LABELS label...] [TIMEOUT seconds])
# A GoogleTest program whose tests ctest runs one by one.
function(pinhole_add_test name)
    cmake_parse_arguments(arg "" "TIMEOUT" "SOURCES;LINK;LABELS" ${ARGN})
    if(NOT arg_TIMEOUT)
        set(arg_TIMEOUT 120)
    endif()
    add_executable(${name} ${arg_SOURCES})
    target_link_libraries(${name} PRIVATE pinhole_options ${arg_LINK} GTest::gtest_main GTest::gmock)
    # The tests themselves are built for compile time, what they test is optimised.
    target_compile_options(${name} PRIVATE -O0)
    set_target_properties(${name} PROPERTIES PINHOLE_TEST_CODE ON)
    target_compile_definitions(${name} PRIVATE
        PINHOLE_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
    gtest_discover_tests(${name}
        DISCOVERY_TIMEOUT 60
        PROPERTIES TIMEOUT ${arg_TIMEOUT} LABELS "${arg_LABELS}")
endfunction()
