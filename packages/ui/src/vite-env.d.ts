/** Vite makes a file of each style sheet, which the page links. */
declare module "*.css";
