import type { StoredDocument, VersionDocumentStore } from "../version-document.ts";

export type StoredProfile = StoredDocument;

/** The reference profiles of versions, one or none of each. */
export type ProfileStore = VersionDocumentStore;
