# cmake --install: the programs with their manuals, units and completions, the library with its public
# headers, a CMake package (find_package(pinhole)) and pkg-config files. But for the units, all of it
# may be moved as a whole. install_manifest.txt in the build names every file.

include(CMakePackageConfigHelpers)

install(TARGETS peer rendezvous)
install(FILES ${PROJECT_SOURCE_DIR}/peer/peer.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${PROJECT_SOURCE_DIR}/rendezvous/rendezvous.8 DESTINATION ${CMAKE_INSTALL_MANDIR}/man8)

# The units name where the programs are, which --prefix says only when they are installed.
install(CODE "set(units \"${PROJECT_SOURCE_DIR}/scripts/systemd\")
set(bindir \"${CMAKE_INSTALL_BINDIR}\")")
install(SCRIPT ${CMAKE_CURRENT_LIST_DIR}/install_units.cmake)
# What shells complete is what the program says, so it must run here.
if(NOT CMAKE_CROSSCOMPILING)
    install(CODE "set(peer \"$<TARGET_FILE:peer>\")
set(datadir \"${CMAKE_INSTALL_DATADIR}\")")
    install(SCRIPT ${CMAKE_CURRENT_LIST_DIR}/install_completions.cmake)
endif()
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/peer/TROUBLESHOOTING.md
    ${PROJECT_SOURCE_DIR}/peer/events.schema.json DESTINATION ${CMAKE_INSTALL_DOCDIR})

install(TARGETS pinhole_archive pinhole_shared EXPORT pinholeTargets)
install(CODE "set(from \"${PROJECT_SOURCE_DIR}\")
set(to \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_INCLUDEDIR}/pinhole\")")
install(FILES ${PROJECT_SOURCE_DIR}/shared/library/pinhole/pinhole.h
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/pinhole)
install(SCRIPT ${CMAKE_CURRENT_LIST_DIR}/install_headers.cmake)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/pinhole)
if(TARGET pinhole_enet_sources)
    set(PINHOLE_ENET_WANTED "")
    set(PINHOLE_ENET_LIBRARY "")
else()
    set(PINHOLE_ENET_WANTED libenet=${PINHOLE_ENET_VERSION})
    set(PINHOLE_ENET_LIBRARY -lenet)
endif()
set(PINHOLE_WITH_IPSEC_MB 0)
set(PINHOLE_IPSEC_MB_FLAG "")
if(TARGET pinhole_ipsec_mb)
    set(PINHOLE_WITH_IPSEC_MB 1)
    set(PINHOLE_IPSEC_MB_FLAG -lIPSec_MB)
endif()
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/pinholeConfig.cmake.in
    ${PROJECT_BINARY_DIR}/pinholeConfig.cmake INSTALL_DESTINATION ${package_dir})
# The interface is not stable yet: any minor version may change it.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/pinholeConfigVersion.cmake
    COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/pinholeConfig.cmake ${PROJECT_BINARY_DIR}/pinholeConfigVersion.cmake
    DESTINATION ${package_dir})
install(EXPORT pinholeTargets NAMESPACE pinhole:: DESTINATION ${package_dir})

file(RELATIVE_PATH PINHOLE_PREFIX_FROM_PC
    /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
foreach(package pinhole pinhole-cpp)
    configure_file(${CMAKE_CURRENT_LIST_DIR}/${package}.pc.in ${PROJECT_BINARY_DIR}/${package}.pc @ONLY)
    install(FILES ${PROJECT_BINARY_DIR}/${package}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()
